import type { TokenKeys } from "./token.ts";

/** The settings that say how client tokens are checked, by their names. */
export interface TokenSettings {
  readonly tokenSecret?: string | undefined;
  readonly tokenPublicKey?: string | undefined;
  readonly jwksUrl?: string | undefined;
  readonly tokenIssuer?: string | undefined;
  readonly tokenAudience?: string | undefined;
  readonly tokenTtlMaxMs?: number | undefined;
}

/** What every process that checks tokens checks them with: nodes, and the admin API that explains their answers. */
export function tokenKeysOf(settings: TokenSettings): TokenKeys {
  return {
    secret: settings.tokenSecret,
    publicKey: settings.tokenPublicKey,
    jwksUrl: settings.jwksUrl,
    issuer: settings.tokenIssuer,
    audience: settings.tokenAudience,
    ttlMaxMs: settings.tokenTtlMaxMs,
  };
}

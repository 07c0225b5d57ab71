import { createPublicKey, type KeyObject } from "node:crypto";
import { type Clock, FanfareError, systemClock } from "@fanfare/domain";
import { createRemoteJWKSet, errors, type JWTVerifyGetKey, jwtVerify, SignJWT } from "jose";
import { identityOf } from "./claims.ts";
import type { Identity } from "./identity.ts";

/** Checks what clients show as their token. */
export interface TokenVerifier {
  /**
   * Who the bearer is. Throws `TOKEN_INVALID`, `TOKEN_EXPIRED`, or `KEYS_UNAVAILABLE` when the keys have to be fetched and
   * cannot be: a token must not be called invalid by a server that could not check it.
   */
  verify(token: unknown): Promise<Identity>;
}

export interface TokenKeys {
  /** For HS256. */
  readonly secret?: string | undefined;
  /** SPKI in PEM: RSA of 2048 bits or more, P-256, P-384, P-521 or Ed25519. */
  readonly publicKey?: string | undefined;
  readonly jwksUrl?: string | undefined;
  /** Tells when a token has expired. */
  readonly clock?: Pick<Clock, "now"> | undefined;
}

/** Characters of a token that is looked at; the same as the `auth` of a connection may carry. */
const tokenLengthMax = 8_192;

/** JWS compact form. Decoders pass over blanks and padding; then one token would have many spellings. */
const compactForm = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;

const rsa = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];
const edwards = ["EdDSA", "Ed25519"];
const algorithmOfCurve: Readonly<Record<string, string>> = { prime256v1: "ES256", secp384r1: "ES384", secp521r1: "ES512" };

/** A key, and the algorithms that it and nothing else may be used with: a token never chooses how it is checked. */
interface PinnedKey {
  readonly key: Uint8Array | KeyObject | JWTVerifyGetKey;
  readonly algorithms: readonly string[];
}

/** Undefined when there is nothing to check tokens with: then none is accepted. Throws `SETTINGS_INVALID`. */
export function createTokenVerifier(keys: TokenKeys): TokenVerifier | undefined {
  const pinned = pinnedKey(keys);
  if (pinned === undefined) return undefined;
  const { now } = keys.clock ?? systemClock;

  return {
    async verify(token) {
      if (typeof token !== "string" || token.length > tokenLengthMax || !compactForm.test(token)) {
        throw new FanfareError("TOKEN_INVALID");
      }
      try {
        const { payload } = await jwtVerify(token, pinned.key, {
          algorithms: [...pinned.algorithms],
          currentDate: new Date(now()),
        });
        return identityOf(payload);
      } catch (cause) {
        if (cause instanceof FanfareError) throw cause;
        throw new FanfareError(cause instanceof errors.JWTExpired ? "TOKEN_EXPIRED" : "TOKEN_INVALID", { cause });
      }
    },
  };
}

function pinnedKey({ secret, publicKey, jwksUrl }: TokenKeys): PinnedKey | undefined {
  if (secret !== undefined) return { key: new TextEncoder().encode(secret), algorithms: ["HS256"] };
  if (publicKey !== undefined) return pinnedPublicKey(publicKey);
  if (jwksUrl === undefined) return undefined;
  const algorithms = [...rsa, ...Object.values(algorithmOfCurve), ...edwards];
  return { key: fetchedKeys(new URL(jwksUrl)), algorithms };
}

function pinnedPublicKey(pem: string): PinnedKey {
  if (pem.includes("PRIVATE KEY")) throw publicKeyMistake("is a private key: give its public half, and keep this one secret");
  let key: KeyObject;
  try {
    // In one line of an environment file, line breaks are written \n.
    key = createPublicKey(pem.replaceAll("\\n", "\n"));
  } catch (cause) {
    throw publicKeyMistake("is not a public key in PEM", cause);
  }
  const algorithms = algorithmsOf(key);
  if (algorithms === undefined) throw publicKeyMistake("must be RSA of at least 2048 bits, P-256, P-384, P-521 or Ed25519");
  return { key, algorithms };
}

function algorithmsOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): readonly string[] | undefined {
  if (asymmetricKeyType === "rsa") return (asymmetricKeyDetails?.modulusLength ?? 0) >= 2_048 ? rsa : undefined;
  if (asymmetricKeyType === "ed25519") return edwards;
  const algorithm = algorithmOfCurve[asymmetricKeyDetails?.namedCurve ?? ""];
  return asymmetricKeyType === "ec" && algorithm !== undefined ? [algorithm] : undefined;
}

function publicKeyMistake(message: string, cause?: unknown): FanfareError {
  return new FanfareError("SETTINGS_INVALID", { cause, errors: [{ path: "FANFARE_TOKEN_PUBLIC_KEY", message }] });
}

/** The published keys, kept for some minutes; one that is not among them makes jose look again, at most every 30 s. */
function fetchedKeys(url: URL): JWTVerifyGetKey {
  const fetched = createRemoteJWKSet(url, { timeoutDuration: 3_000 });
  return async (header, token) => {
    try {
      return await fetched(header, token);
    } catch (cause) {
      if (isAboutTheToken(cause)) throw cause;
      throw new FanfareError("KEYS_UNAVAILABLE", { cause });
    }
  };
}

function isAboutTheToken(error: unknown): boolean {
  return (
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys ||
    error instanceof errors.JOSENotSupported
  );
}

export interface TokenDraft {
  readonly secret: string;
  readonly user?: string | undefined;
  readonly channels?: readonly string[] | undefined;
  readonly publish?: readonly string[] | undefined;
  readonly join?: readonly string[] | undefined;
  readonly info?: unknown;
  readonly ttlSeconds: number;
  readonly clock?: Pick<Clock, "now"> | undefined;
}

/** A token for {@link createTokenVerifier} with the same secret. Throws `TOKEN_INVALID` for claims it would refuse. */
export async function signToken(draft: TokenDraft): Promise<string> {
  const { secret, user, channels, publish, join, info, ttlSeconds, clock = systemClock } = draft;
  const iat = Math.floor(clock.now() / 1_000);
  const optional = { sub: user, channels, publish, join, info };
  const given = Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined));
  const claims = { ...given, iat, exp: iat + ttlSeconds };
  identityOf(claims);
  return new SignJWT(claims).setProtectedHeader({ alg: "HS256" }).sign(new TextEncoder().encode(secret));
}

import { type Channel, FanfareError, type FieldError, isChannelName, parseJson, TokenClaims, validator } from "@fanfare/domain";
import type { Identity } from "./identity.ts";
import { covers, isPattern } from "./pattern.ts";

const claimsOf = validator(TokenClaims);

/** The furthest instant that a Date can hold; an `exp` beyond it means "practically never". */
const latestMs = 8.64e15;

/** What the claims of a token say. Throws `TOKEN_INVALID` with what is wrong with them. */
export function identityOf(payload: unknown): Identity & { readonly expiresAt: number } {
  const claims = wellFormed(payload);
  const { sub, exp, iat, jti } = claims;
  return {
    ...(sub === undefined ? {} : { user: sub }),
    ...grantsOf(claims),
    expiresAt: Math.min(exp * 1_000, latestMs),
    ...(iat === undefined ? {} : { issuedAt: Math.min(iat * 1_000, latestMs) }),
    ...(jti === undefined ? {} : { tokenId: jti }),
  };
}

/** What is granted to a user, or to nobody by name. Throws `TOKEN_INVALID` with what is wrong with it. */
export function grantsOf(claims: Omit<TokenClaims, "exp">): Pick<Identity, "channels" | "publish" | "join" | "info"> {
  const { sub, channels = [], publish = [], join = [], info } = claims;
  const errors = [...notPatterns("channels", channels), ...notPatterns("publish", publish)];

  const granted: Channel[] = [];
  for (const [at, name] of join.entries()) {
    // A user's own channel is granted by being that user.
    if (isChannelName(name) && (covers(channels, name) || (sub !== undefined && name === `user:${sub}`))) granted.push(name);
    else errors.push({ path: `/join/${at}`, message: "must be a whole channel name that channels grants" });
  }
  if (info !== undefined && !isShallow(info)) errors.push({ path: "/info", message: "is nested too deeply" });
  if (errors.length > 0) throw new FanfareError("TOKEN_INVALID", { errors });

  return { channels, publish, join: granted, ...(info === undefined ? {} : { info }) };
}

function wellFormed(payload: unknown): TokenClaims {
  try {
    return claimsOf(payload);
  } catch (cause) {
    const errors = cause instanceof FanfareError ? cause.errors : undefined;
    throw new FanfareError("TOKEN_INVALID", { cause, ...(errors === undefined ? {} : { errors }) });
  }
}

function notPatterns(claim: string, texts: readonly string[]): FieldError[] {
  return texts.flatMap((text, at) =>
    isPattern(text) ? [] : [{ path: `/${claim}/${at}`, message: "is neither a channel nor prefix:*" }],
  );
}

/** `info` is sent to other clients, so it keeps to the depth that payloads keep to. */
function isShallow(info: unknown): boolean {
  try {
    parseJson(JSON.stringify(info));
    return true;
  } catch {
    return false;
  }
}

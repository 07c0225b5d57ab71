import { createPublicKey, type KeyObject, randomUUID } from "node:crypto";
import { type Clock, FanfareError, systemClock } from "@fanfare/domain";
import { errors, type JWTVerifyGetKey, jwtVerify, SignJWT } from "jose";
import { addressOf } from "./bounded-fetch.ts";
import { identityOf } from "./claims.ts";
import type { Identity } from "./identity.ts";
import { PublishedKeys } from "./published-keys.ts";

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
  /** What `iss` must be, and what `aud` must be or have among others. Absent: anything. */
  readonly issuer?: string | undefined;
  readonly audience?: string | undefined;
  /** How far ahead the `exp` of a token may lie. Absent: as far as it likes. */
  readonly ttlMaxMs?: number | undefined;
  /** Tells when a token has expired. */
  readonly clock?: Pick<Clock, "now" | "monotonic"> | undefined;
}

/**
 * How far the clock of who signs may be ahead of this one, for `nbf` and for the longest lifetime. None is given for `exp`: a
 * connection has its grace, and whoever connects can have a fresh token.
 */
const skewMs = 30_000;
/** RFC 7518 §3.2: a secret of HS256 has at least the length of the hash. */
const secretBytesMin = 32;

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
  const { clock = systemClock, ttlMaxMs = Number.POSITIVE_INFINITY, issuer, audience } = keys;
  const expected = { ...(issuer === undefined ? {} : { issuer }), ...(audience === undefined ? {} : { audience }) };

  return {
    async verify(token) {
      if (typeof token !== "string" || token.length > tokenLengthMax || !compactForm.test(token)) {
        throw new FanfareError("TOKEN_INVALID");
      }
      try {
        const now = clock.now();
        const { payload } = await jwtVerify(token, pinned.key, {
          ...expected,
          algorithms: [...pinned.algorithms],
          currentDate: new Date(now),
          clockTolerance: skewMs / 1_000,
        });
        const identity = identityOf(payload);
        if (identity.expiresAt <= now) throw new FanfareError("TOKEN_EXPIRED");
        refuseLongLife(identity.expiresAt - now, ttlMaxMs);
        return identity;
      } catch (cause) {
        if (cause instanceof FanfareError) throw cause;
        throw new FanfareError(cause instanceof errors.JWTExpired ? "TOKEN_EXPIRED" : "TOKEN_INVALID", { cause });
      }
    },
  };
}

/** A token that hardly ever ends cannot be taken back: a revocation is kept as long as the longest token lives. */
function refuseLongLife(lifeMs: number, ttlMaxMs: number): void {
  if (lifeMs <= ttlMaxMs + skewMs) return;
  const message = `is more than ${Math.floor(ttlMaxMs / 1_000)} s ahead (FANFARE_TOKEN_TTL_MAX_MS)`;
  throw new FanfareError("TOKEN_INVALID", { errors: [{ path: "/exp", message }] });
}

function pinnedKey(keys: TokenKeys): PinnedKey | undefined {
  const { secret, publicKey, jwksUrl, clock = systemClock } = keys;
  if (secret !== undefined) return { key: secretKey(secret), algorithms: ["HS256"] };
  if (publicKey !== undefined) return pinnedPublicKey(publicKey);
  if (jwksUrl === undefined) return undefined;
  const algorithms = [...rsa, ...Object.values(algorithmOfCurve), ...edwards];
  return { key: new PublishedKeys(addressOf("FANFARE_JWKS_URL", jwksUrl), clock).find, algorithms };
}

/** A secret that can be guessed lets anybody be everybody; whoever has one token can try guesses without asking us. */
function secretKey(secret: string): Uint8Array {
  const key = new TextEncoder().encode(secret);
  if (key.length >= secretBytesMin) return key;
  const message = `is too short: it must have at least ${secretBytesMin} bytes, such as those of openssl rand -base64 32`;
  throw new FanfareError("SETTINGS_INVALID", { errors: [{ path: "FANFARE_TOKEN_SECRET", message }] });
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

export interface TokenDraft {
  readonly secret: string;
  readonly user?: string | undefined;
  readonly channels?: readonly string[] | undefined;
  readonly publish?: readonly string[] | undefined;
  readonly join?: readonly string[] | undefined;
  readonly info?: unknown;
  readonly ttlSeconds: number;
  /** As for {@link createTokenVerifier}. */
  readonly ttlMaxMs?: number | undefined;
  readonly clock?: Pick<Clock, "now"> | undefined;
}

/** A token for {@link createTokenVerifier} with the same secret. Throws `TOKEN_INVALID` for claims it would refuse. */
export async function signToken(draft: TokenDraft): Promise<string> {
  const { secret, user, channels, publish, join, info, ttlSeconds, ttlMaxMs, clock = systemClock } = draft;
  const iat = Math.floor(clock.now() / 1_000);
  if (ttlMaxMs !== undefined) refuseLongLife(ttlSeconds * 1_000, ttlMaxMs);
  const optional = { sub: user, channels, publish, join, info };
  const given = Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined));
  const claims = { ...given, iat, exp: iat + ttlSeconds, jti: randomUUID() };
  identityOf(claims);
  return new SignJWT(claims).setProtectedHeader({ alg: "HS256" }).sign(secretKey(secret));
}

import { type Clock, FanfareError } from "@fanfare/domain";
import { createLocalJWKSet, errors, type JWK, type JWTVerifyGetKey } from "jose";
import { boundedFetch } from "./bounded-fetch.ts";

/** How long fetched keys are taken for the ones that are published now. */
const freshMs = 600_000;
/** Between two fetches, whatever asks for them: tokens of unknown keys cost their senders nothing. */
const cooldownMs = 30_000;
/** The same while there are no keys at all: nobody can be let in until there are. */
const firstRetryMs = 1_000;
const timeoutMs = 3_000;
const answerBytesMax = 262_144;
const keysMax = 100;

type Clocked = Pick<Clock, "monotonic">;

/**
 * The public keys that an identity provider publishes, fetched when they are needed first. They are fetched again in the
 * background every ten minutes of use, and for a token of an unknown key, so that a rotation is noticed at once. A fetch that
 * fails changes nothing: the keys that are here stay good, and only who has none is answered `KEYS_UNAVAILABLE`.
 */
export class PublishedKeys {
  readonly #url: URL;
  readonly #clock: Clocked;
  #find: JWTVerifyGetKey | undefined;
  #fetchedAtMs = Number.NEGATIVE_INFINITY;
  #triedAtMs = Number.NEGATIVE_INFINITY;
  #fetching: Promise<void> | undefined;

  constructor(url: URL, clock: Clocked) {
    this.#url = url;
    this.#clock = clock;
  }

  /** For jose: the key that a token's header names. */
  readonly find: JWTVerifyGetKey = async (header, token) => {
    if (this.#find === undefined) await this.#fetch(firstRetryMs);
    // Nobody waits for this one.
    else if (this.#clock.monotonic() - this.#fetchedAtMs > freshMs) this.#fetch(cooldownMs).catch(() => undefined);
    try {
      return await this.#known(header, token);
    } catch (cause) {
      if (!(cause instanceof errors.JWKSNoMatchingKey)) throw cause;
      const before = this.#find;
      await this.#fetch(cooldownMs).catch(() => undefined);
      if (this.#find === before) throw cause;
      return this.#known(header, token);
    }
  };

  #known: JWTVerifyGetKey = (header, token) => {
    if (this.#find === undefined) throw new FanfareError("KEYS_UNAVAILABLE");
    return this.#find(header, token);
  };

  /** Resolves without having fetched when the last try is too near. Everybody who asks meanwhile waits for the same one. */
  #fetch(pauseMs: number): Promise<void> {
    if (this.#fetching !== undefined) return this.#fetching;
    const now = this.#clock.monotonic();
    if (now - this.#triedAtMs < pauseMs) return Promise.resolve();
    this.#triedAtMs = now;
    this.#fetching = this.#fetchNow().finally(() => {
      this.#fetching = undefined;
    });
    return this.#fetching;
  }

  async #fetchNow(): Promise<void> {
    try {
      const { status, text } = await boundedFetch(this.#url, { timeoutMs, answerBytesMax });
      if (status !== 200) throw new Error(`the keys were answered with status ${status}`);
      this.#find = createLocalJWKSet({ keys: keysIn(JSON.parse(text)) });
      this.#fetchedAtMs = this.#clock.monotonic();
    } catch (cause) {
      throw new FanfareError("KEYS_UNAVAILABLE", { cause });
    }
  }
}

/** Keys that are not public or not for signatures are left out, so that no header can name them. */
function keysIn(value: unknown): JWK[] {
  const { keys }: { keys?: unknown } = typeof value === "object" && value !== null ? value : {};
  if (!Array.isArray(keys)) throw new Error("it is not a set of keys");
  if (keys.length > keysMax) throw new RangeError(`it has more than ${keysMax} keys`);
  return keys.filter(isPublicKey);
}

function isPublicKey(key: unknown): key is JWK {
  if (typeof key !== "object" || key === null) return false;
  const { kty, use, d } = key as JWK;
  return (kty === "RSA" || kty === "EC" || kty === "OKP") && d === undefined && (use === undefined || use === "sig");
}

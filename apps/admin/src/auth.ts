import type { Socket } from "node:net";
import { type AdminKey, type AdminKeys, type AdminScope, allows, KeyedBuckets } from "@fanfare/access";
import { type Channel, type Clock, type Draft, FanfareError } from "@fanfare/domain";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { AuthThrottle } from "./auth-throttle.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** Whose request it is; null where no key is asked for. */
    adminKey: AdminKey | null;
  }
  interface FastifyInstance {
    /** For how many milliseconds a key may not publish so many; 0 when it has. Throws nothing. */
    takePublishes(key: AdminKey, count: number): number;
  }
}

/** The burst of a key, as a multiple of what it may publish in a second. */
const burstSeconds = 2;

/** Gives every key its share of publications in a second; 0 lifts the limit. */
export function limitPublishes(app: FastifyInstance, perSecond: number, clock: Pick<Clock, "monotonic">): void {
  const buckets = new KeyedBuckets({ perSecond, burst: perSecond * burstSeconds });
  app.decorate("takePublishes", ({ name }: AdminKey, count: number) =>
    perSecond === 0 ? 0 : buckets.take(name, clock.monotonic(), count),
  );
}

export interface KeyCheck {
  readonly keys: AdminKeys;
  readonly throttle: AuthThrottle;
  readonly addressOf: (request: FastifyRequest) => string;
  readonly clock: Pick<Clock, "now">;
}

/**
 * Asks for a key on every route of this plugin, also on those that do not exist: without one nobody learns which do. It
 * hangs on the router's decision and not on the address, which can be spelt in many ways.
 */
export function requireKey(app: FastifyInstance, check: KeyCheck): void {
  // Whoever shows over a connection what it has shown before knows it: it need not be hashed again.
  const shown = new WeakMap<Socket, Shown>();
  app.addHook("onRequest", (request, _reply, done) => {
    try {
      request.adminKey = keyOf(request, check, shown);
      done();
    } catch (refusal) {
      done(refusal as FanfareError);
    }
  });
}

/** The key of a connection's last request, and the secret that was shown for it. */
interface Shown {
  readonly presented: string;
  readonly key: AdminKey;
}

function authenticate(socket: Socket, presented: string, keys: AdminKeys, shown: WeakMap<Socket, Shown>): AdminKey | undefined {
  const before = shown.get(socket);
  if (before?.presented === presented) return before.key;
  const key = keys.authenticate(presented);
  if (key !== undefined) shown.set(socket, { presented, key });
  return key;
}

function keyOf(request: FastifyRequest, { keys, throttle, addressOf, clock }: KeyCheck, shown: WeakMap<Socket, Shown>): AdminKey {
  const presented = presentedKey(request);
  const key = presented === undefined ? undefined : authenticate(request.raw.socket, presented, keys, shown);
  if (presented !== undefined) {
    const retryAfterMs = throttle.waitMs(addressOf(request), key?.name);
    if (retryAfterMs > 0) {
      throw new FanfareError("RATE_LIMITED", { retryAfterMs, detail: "Too many wrong keys came from this address." });
    }
  }
  if (key === undefined) {
    throw new FanfareError("UNAUTHENTICATED", { detail: "A valid admin key is needed: Authorization: Bearer <key>." });
  }
  if (key.expiresAt !== undefined && key.expiresAt <= clock.now()) {
    throw new FanfareError("UNAUTHENTICATED", { detail: "This admin key has expired." });
  }
  return key;
}

/** `channel` narrows it to one channel, for keys that have the scope for some only. Throws `FORBIDDEN`. */
export function requireScope(request: FastifyRequest, scope: AdminScope, channel?: Channel): void {
  const { adminKey } = request;
  if (adminKey !== null && allows(adminKey, scope, channel)) return;
  const missing = channel === undefined ? scope : `${scope} or ${scope}:${channel}`;
  throw new FanfareError("FORBIDDEN", { detail: `The key does not have the scope ${missing}.` });
}

/**
 * Within what the key may publish in a second; beyond it throws `RATE_LIMITED`. All or nothing: when the key may not
 * publish in one of the channels, nothing is published in the others either.
 */
export function requirePublish(request: FastifyRequest, drafts: readonly Pick<Draft, "channel">[]): void {
  for (const { channel } of drafts) requireScope(request, "publish", channel);
  const { adminKey, server } = request;
  const retryAfterMs = adminKey === null ? 0 : server.takePublishes(adminKey, drafts.length);
  if (retryAfterMs > 0) throw new FanfareError("RATE_LIMITED", { retryAfterMs, detail: "This key publishes too much." });
}

function presentedKey(request: FastifyRequest): string | undefined {
  const { authorization, "x-api-key": apiKey } = request.headers;
  if (authorization !== undefined) return /^bearer +(\S+) *$/i.exec(authorization)?.[1];
  return typeof apiKey === "string" ? apiKey : undefined;
}

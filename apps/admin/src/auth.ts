import { type AdminKey, type AdminKeys, type AdminScope, allows } from "@fanfare/access";
import { type Channel, FanfareError } from "@fanfare/domain";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Drafts } from "./drafts.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** Whose request it is; null where no key is asked for. */
    adminKey: AdminKey | null;
  }
}

/**
 * Asks for a key on every route of this plugin, also on those that do not exist: without one nobody learns which do. It
 * hangs on the router's decision and not on the address, which can be spelt in many ways.
 */
export function requireKey(app: FastifyInstance, keys: AdminKeys): void {
  app.addHook("onRequest", (request, _reply, done) => {
    const presented = presentedKey(request);
    const key = presented === undefined ? undefined : keys.authenticate(presented);
    if (key === undefined) {
      done(new FanfareError("UNAUTHENTICATED", { detail: "A valid admin key is needed: Authorization: Bearer <key>." }));
      return;
    }
    request.adminKey = key;
    done();
  });
}

/** `channel` narrows it to one channel, for keys that have the scope for some only. Throws `FORBIDDEN`. */
export function requireScope(request: FastifyRequest, scope: AdminScope, channel?: Channel): void {
  const { adminKey } = request;
  if (adminKey !== null && allows(adminKey, scope, channel)) return;
  const missing = channel === undefined ? scope : `${scope} or ${scope}:${channel}`;
  throw new FanfareError("FORBIDDEN", { detail: `The key does not have the scope ${missing}.` });
}

/** All or nothing: when the key may not publish in one of the channels, nothing is published in the others either. */
export function requirePublish(request: FastifyRequest, { drafts }: Drafts): void {
  for (const { channel } of drafts) requireScope(request, "publish", channel);
}

function presentedKey(request: FastifyRequest): string | undefined {
  const { authorization, "x-api-key": apiKey } = request.headers;
  if (authorization !== undefined) return /^bearer +(\S+) *$/i.exec(authorization)?.[1];
  return typeof apiKey === "string" ? apiKey : undefined;
}

import { Redis, type RedisOptions } from "ioredis";
import type { RedisCommands } from "../redis-commands.ts";

/** How to reach a test's redis-server. */
export function targetOf({ url }: { readonly url: string }): { readonly path: string } {
  return { path: url.slice("redis+unix://".length) };
}

/** A plain connection. */
export function clientOn(redis: { readonly url: string }): Redis {
  return new Redis(targetOf(redis));
}

/** What it does while Redis is away is not tested with this one, but with whole processes. */
export function commandsOn(target: RedisOptions): RedisCommands {
  const client = new Redis(Object.assign({ path: "" }, target, { replyMapping: "legacy" as const }));
  return {
    run: (send) => send(client),
    close: () => client.disconnect(),
  };
}

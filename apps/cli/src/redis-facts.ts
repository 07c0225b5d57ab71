import { parseClusterUrl, parseRedisUrl } from "@fanfare/broker";
import { Redis } from "ioredis";

export interface RedisFacts {
  /** Such as `7.0.15`. */
  readonly version?: string | undefined;
  /** What Redis does when its memory is full: only `noeviction` never drops a log. */
  readonly policy?: string | undefined;
  /** Why it did not answer. */
  readonly unreachable?: string;
}

/** How long each of connecting and answering may take. */
const patienceMs = 3_000;

/** Asks a Redis, or the first node named of a Redis Cluster, once, without waiting for it to come back. */
export async function redisFacts(url: string): Promise<RedisFacts> {
  const cluster = parseClusterUrl(url);
  const target = cluster === undefined ? parseRedisUrl(url) : { ...cluster.login, ...cluster.seeds[0] };
  const ours = {
    lazyConnect: true,
    retryStrategy: () => null,
    connectTimeout: patienceMs,
    commandTimeout: patienceMs,
  };
  // ioredis 6 types its answers by this option, which a spread of options of unknown origin would hide from it.
  const redis = new Redis(Object.assign(ours, target, { replyMapping: "legacy" as const }));
  let reason: string | undefined;
  redis.on("error", (error: Error) => {
    reason = error.message;
  });
  try {
    await redis.connect();
    const info = await redis.info();
    const field = (name: string) => new RegExp(`^${name}:(\\S+)`, "m").exec(info)?.[1];
    return { version: field("valkey_version") ?? field("redis_version"), policy: field("maxmemory_policy") };
  } catch (error) {
    return { unreachable: reason ?? (error instanceof Error ? error.message : String(error)) };
  } finally {
    redis.disconnect();
  }
}

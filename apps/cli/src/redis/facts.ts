import { parseClusterUrl, parseRedisUrl } from "@fanfare/broker";
import { Redis } from "ioredis";
import { reasonOf } from "../doctor/visit.ts";

/** What a Redis says of itself. */
export interface RedisFacts {
  /** A line of INFO, such as `maxmemory_policy`. */
  field(name: string): string | undefined;
  /** A line of CLUSTER INFO; undefined also when it may not be asked for. */
  clusterField(name: string): string | undefined;
  /** Commands that nodes need and this user may not use; undefined when it was not tried. */
  readonly forbidden: readonly string[] | undefined;
}

/** How long each of connecting and answering may take. */
const patienceMs = 3_000;

/**
 * Asks a Redis, or the first node named of a Redis Cluster, once, without waiting for it to come back; with a `cluster`, tries
 * what its nodes do, on a key of its own that is gone afterwards. Rejects when it does not answer.
 */
export async function redisFacts(url: string, cluster?: string): Promise<RedisFacts> {
  const target = parseClusterUrl(url);
  const options = target === undefined ? parseRedisUrl(url) : { ...target.login, ...target.seeds[0] };
  const ours = { lazyConnect: true, retryStrategy: () => null, connectTimeout: patienceMs, commandTimeout: patienceMs };
  // ioredis 6 types its answers by this option, which a spread of options of unknown origin would hide from it.
  const redis = new Redis(Object.assign(ours, options, { replyMapping: "legacy" as const }));
  let reason: string | undefined;
  redis.on("error", (error: Error) => {
    reason = reasonOf(error);
  });
  try {
    await redis.connect();
    const info = await redis.info();
    const clusterInfo = await redis.call("CLUSTER", "INFO").catch(() => "");
    const forbidden = cluster === undefined ? undefined : await forbiddenTo(redis, cluster);
    return { field: fieldOf(info), clusterField: fieldOf(String(clusterInfo)), forbidden };
  } catch (error) {
    throw new Error(reason ?? reasonOf(error));
  } finally {
    redis.disconnect();
  }
}

function fieldOf(text: string): (name: string) => string | undefined {
  return (name) => new RegExp(`^${name}:(\\S+)`, "m").exec(text)?.[1];
}

/** Permissions are looked at before anything else, so that every other error is a permission too. */
async function forbiddenTo(redis: Redis, cluster: string): Promise<string[]> {
  const key = `${cluster}:{0}:check`;
  const tries: [string, ...string[]][] = [
    ["EVAL", "return redis.call('XADD', KEYS[1], 'MAXLEN', '1', '*', 'a', '1')", "1", key],
    ["EVALSHA", "0".repeat(40), "0"],
    ["XRANGE", key, "-", "+"],
    ["PEXPIRE", key, "1000"],
    ["UNLINK", key],
    ["TIME"],
    ["WAIT", "0", "1"],
    ["PUBLISH", `${cluster}#check`, ""],
  ];
  const refused: string[] = [];
  const note = (name: string) => (error: unknown) => void (isRefusal(error) && refused.push(name));
  for (const [name, ...args] of tries) await redis.call(name, ...args).catch(note(name));
  await redis.subscribe(`${cluster}#check`).catch(note("SUBSCRIBE"));
  return refused;
}

function isRefusal(error: unknown): boolean {
  return error instanceof Error && (error.message.startsWith("NOPERM") || error.message.includes("NOPERM"));
}

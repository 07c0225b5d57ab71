import { parseClusterUrl } from "@fanfare/broker";
import { reasonOf } from "../doctor/visit.ts";
import type { Finding } from "../findings.ts";
import { type RedisFacts, redisFacts } from "./facts.ts";

/** Of its memory; beyond, publishes are about to be refused. */
const usedShareMax = 0.8;
const slots = 16_384;

/** What a Redis means for what Fanfare promises. With the cluster's name also whether this user may do what nodes do. */
export async function examineRedis(url: string, cluster?: string): Promise<Finding[]> {
  try {
    const facts = await redisFacts(url, cluster);
    const clustered = clusterFinding(facts, parseClusterUrl(url) !== undefined);
    return [
      version(facts),
      policy(facts),
      memory(facts),
      persistence(facts),
      replicas(facts),
      clustered,
      permissions(facts),
    ].filter((finding) => finding !== undefined);
  } catch (error) {
    const says = `Redis does not answer: ${reasonOf(error)}.`;
    const todo = "Until it does, publishes are answered 503, and clients stay connected.";
    return [{ row: "redis", verdict: "fault", fault: "redis-unreachable", says, todo }];
  }
}

function version({ field }: RedisFacts): Finding {
  const row = "redis";
  const valkey = field("valkey_version");
  const said = valkey ?? field("redis_version");
  if (said === undefined) return { row, verdict: "skipped", says: "It does not say its version." };
  const [major = 0, minor = 0] = said.split(".").map(Number);
  if (major < 6 || (major === 6 && minor < 2)) {
    const says = `Redis ${said} lacks commands that Fanfare stores with.`;
    return { row, verdict: "fault", fault: "redis-version", says, todo: "Use 6.2 at least, 7.0 or later by preference." };
  }
  if (major < 7) {
    const says = `Redis ${said} has no sharded pub/sub: a Redis Cluster hands every announcement to all of its nodes.`;
    return { row, verdict: "warning", fault: "redis-version", says, todo: "Use 7.0 or later." };
  }
  return { row, verdict: "good", says: `${valkey === undefined ? "Redis" : "Valkey"} ${said} answers.` };
}

function policy({ field }: RedisFacts): Finding {
  const row = "eviction";
  const said = field("maxmemory_policy");
  if (said === "noeviction") return { row, verdict: "good", says: "noeviction: what was answered 2xx is never dropped." };
  if (said === undefined) return { row, verdict: "skipped", says: "It does not say its maxmemory-policy." };
  const says = `maxmemory-policy ${said} lets Redis drop logs and epochs when its memory is full: publications are lost without a word.`;
  return { row, verdict: "fault", fault: "redis-policy", says, todo: "Set maxmemory-policy noeviction." };
}

function memory({ field }: RedisFacts): Finding {
  const row = "memory";
  const most = Number(field("maxmemory") ?? 0);
  const used = Number(field("used_memory") ?? 0);
  if (most === 0) {
    const says = "No maxmemory: when memory runs out the system ends Redis, and with it all that is not on disk.";
    return { row, verdict: "warning", fault: "redis-memory", says, todo: "Set maxmemory below what the machine has." };
  }
  const share = `${Math.round((used / most) * 100)}% of ${Math.round(most / 1_048_576)} MiB are used.`;
  if (used / most <= usedShareMax) return { row, verdict: "good", says: share };
  const todo = "Raise maxmemory or shorten retain in the rules: when it is full, publishes are answered BROKER_FULL.";
  return { row, verdict: "warning", fault: "redis-memory", says: share, todo };
}

function persistence({ field }: RedisFacts): Finding {
  const row = "persistence";
  const failed = ["aof_last_write_status", "rdb_last_bgsave_status"].filter((name) => field(name) === "err");
  if (failed.length > 0) {
    const says = `Redis cannot write to its disk (${failed.join(", ")}).`;
    return { row, verdict: "fault", fault: "redis-persistence", says, todo: "Look at its disk and its log." };
  }
  if (field("aof_enabled") === "1")
    return { row, verdict: "good", says: "An append-only file: a restart loses a second at most." };
  const says =
    "No append-only file: a restart of Redis forgets logs. Subscribers are told (fanfare:reset), but what they missed is gone.";
  return { row, verdict: "warning", fault: "redis-persistence", says, todo: "Set appendonly yes." };
}

function replicas({ field }: RedisFacts): Finding {
  const row = "replicas";
  if (field("role") !== "master") {
    const todo = "Name the primary, or let Sentinel do it: redis+sentinel://…";
    return { row, verdict: "fault", fault: "redis-role", says: "This is a replica: nothing can be stored here.", todo };
  }
  const number = Number(field("connected_slaves") ?? 0);
  if (number > 0) return { row, verdict: "good", says: `${number} connected: "durable": true waits for one.` };
  const says = 'None: a machine that is lost takes its logs along, and "durable": true is never confirmed.';
  return {
    row,
    verdict: "warning",
    fault: "redis-replicas",
    says,
    todo: "Add a replica, with Sentinel or as a Cluster, if that matters.",
  };
}

function clusterFinding({ field, clusterField }: RedisFacts, wanted: boolean): Finding | undefined {
  const row = "cluster";
  const enabled = field("cluster_enabled") === "1";
  if (!enabled && !wanted) return undefined;
  if (enabled !== wanted) {
    const says = enabled
      ? "This is a node of a Redis Cluster, and the URL is not."
      : "The URL is a Redis Cluster's, and this is none.";
    return {
      row,
      verdict: "fault",
      fault: "redis-cluster",
      says,
      todo: `Use ${enabled ? "redis+cluster" : "redis"}://… in FANFARE_REDIS_URL.`,
    };
  }
  const state = clusterField("cluster_state");
  if (state === undefined) return { row, verdict: "skipped", says: "This user may not ask for CLUSTER INFO." };
  const assigned = Number(clusterField("cluster_slots_assigned"));
  const failing = Number(clusterField("cluster_slots_fail"));
  if (state === "ok" && assigned === slots && failing === 0) {
    return { row, verdict: "good", says: `All slots are served, by ${clusterField("cluster_size")} primaries.` };
  }
  const says = `State ${state}: of ${slots} slots ${assigned} are assigned and ${failing} fail; channels in the others cannot be published to.`;
  return { row, verdict: "fault", fault: "redis-cluster", says, todo: "redis-cli --cluster check says which node is missing." };
}

function permissions({ forbidden }: RedisFacts): Finding | undefined {
  const row = "acl";
  if (forbidden === undefined) return undefined;
  if (forbidden.length === 0) return { row, verdict: "good", says: "This user may do what nodes do." };
  const says = `This user may not use ${forbidden.join(", ")}, which nodes need.`;
  return { row, verdict: "fault", fault: "redis-acl", says, todo: "infra/redis/fanfare.acl has the users with what each needs." };
}

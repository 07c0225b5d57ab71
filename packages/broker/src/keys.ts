import type { Channel } from "@fanfare/domain";

/*
 * Every key in Redis, with its type and how long it lives. The braces make Redis Cluster keep everything of one partition
 * on one primary, where one script can reach it.
 */

/** Where the directory, the sessions and the registry live. */
const directoryPartition = 0;

/** hash {epoch, top, seq}. Lives 24 h, or twice the log's time if that is longer, from the last publication or opening on. */
export function metaKey(cluster: string, partition: number, channel: Channel): string {
  return inPartition(cluster, partition, channel, "meta");
}

/** stream, ids `<offset>-<seq>`. Lives as long as the channel's retention from the last publication on. */
export function logKey(cluster: string, partition: number, channel: Channel): string {
  return inPartition(cluster, partition, channel, "log");
}

/** string "fingerprint epoch offset". Lives `limits.idempotencySeconds`. No channel contains a space, so no two are equal. */
export function idKey(cluster: string, partition: number, channel: Channel, id: string): string {
  return `${inPartition(cluster, partition, channel, "id")} ${id}`;
}

/** string, the partition's clock: microseconds since 1970 of its newest publication. Lives for ever. */
export function seqKey(cluster: string, partition: number): string {
  return `${cluster}:{${partition}}:seq`;
}

/** string, how many partitions the cluster has; on a Redis Cluster only. Lives for ever. */
export function partitionsKey(cluster: string): string {
  return `${cluster}:{${directoryPartition}}:partitions`;
}

/** string, JSON of the node's record. Lives as long as its lease. */
export function nodeKey(cluster: string, node: string): string {
  return `${cluster}:{${directoryPartition}}:node:${node}`;
}

/** zset node → end of its lease in ms since 1970. Lives for ever; what has ended is removed by those who renew. */
export function nodesKey(cluster: string): string {
  return `${cluster}:{${directoryPartition}}:nodes`;
}

/** hash {node, turn, record}. Lives for the session's life, which its node keeps renewing. */
export function sessionKey(cluster: string, pid: string): string {
  return `${cluster}:{${directoryPartition}}:session:${pid}`;
}

/**
 * What the names of all keys of the registry begin with; registry-write.lua lists them with their types. They live as long as
 * somebody is connected; what a lost node left is removed by the others, or by the next one to start. Beside them
 * `said:<process>`, a string with JSON that lives as long as the process goes on saying it, and `saying`, a hash of their
 * names.
 */
export function registryPrefix(cluster: string): string {
  return `${cluster}:{${directoryPartition}}:registry:`;
}

/** stream, one entry {e: JSON} per event of the cluster's life. Bounded by `limits.lifecycleEventsMax`; lives for ever. */
export function lifecycleKey(cluster: string): string {
  return `${cluster}:{${directoryPartition}}:lifecycle`;
}

/** string, the name of a writer's last batch. Lives an hour from it on. */
export function lifecycleLastKey(cluster: string, writer: string): string {
  return `${cluster}:{${directoryPartition}}:lifecycle:last:${writer}`;
}

/** set of the channels that the log says have subscribers. Lives while there are any. */
export function lifecycleOccupiedKey(cluster: string): string {
  return `${cluster}:{${directoryPartition}}:lifecycle:occupied`;
}

/**
 * How far webhooks are, see webhook-advance.lua: string `lease` (lives as long as it is renewed), string `after`, hash `dead`,
 * zsets `order` and `due` (live for ever; bounded by `limits.deadLettersMax`).
 */
export function webhookKey(cluster: string, kind: "lease" | "after" | "dead" | "order" | "due"): string {
  return `${cluster}:{${directoryPartition}}:webhook:${kind}`;
}

/** zset id → end of the revocation in ms since 1970. Lives for ever; what has ended is removed by the next one that is added. */
export function revocationEndsKey(cluster: string): string {
  return `${cluster}:{${directoryPartition}}:revocations:ends`;
}

/** hash id → JSON of the revocation. Lives as the one above. */
export function revocationTextsKey(cluster: string): string {
  return `${cluster}:{${directoryPartition}}:revocations:texts`;
}

/** hash {life, version}. Lives for ever. */
export function revocationStateKey(cluster: string): string {
  return `${cluster}:{${directoryPartition}}:revocations:state`;
}

/** zset of the names of publications for later, all of score 0: names sort by time. Lives while there are any. */
export function scheduleOrderKey(cluster: string): string {
  return scheduleKey(cluster, "order");
}

/** zset name → when it may be handed out again, in ms since 1970, of those that are being published. Lives while there are any. */
export function scheduleTakenKey(cluster: string): string {
  return scheduleKey(cluster, "taken");
}

/** hash name → JSON of what lists show. Lives while there are any. */
export function scheduleAboutsKey(cluster: string): string {
  return scheduleKey(cluster, "abouts");
}

/** hash name → JSON of what is to be published. Lives while there are any. */
export function schedulePlansKey(cluster: string): string {
  return scheduleKey(cluster, "plans");
}

/** string, how many there ever were. Lives for ever. */
export function scheduleCountKey(cluster: string): string {
  return scheduleKey(cluster, "count");
}

/** string "fingerprint name". Lives until `limits.idempotencySeconds` behind the time of the publication. */
export function scheduleIdKey(cluster: string, id: string): string {
  return scheduleKey(cluster, `id ${id}`);
}

/** hash {life, version} of who is in a channel. Lives while somebody is, and an hour longer. */
export function presenceKey(cluster: string, partition: number, channel: Channel): string {
  return inPartition(cluster, partition, channel, "presence");
}

/** hash session id → "owner turn user since text". Lives while there are members; those of lost owners are swept. */
export function presenceMembersKey(cluster: string, partition: number, channel: Channel): string {
  return inPartition(cluster, partition, channel, "presence-members");
}

/** hash user → number of its sessions in the channel. Lives while there are any. */
export function presenceUsersKey(cluster: string, partition: number, channel: Channel): string {
  return inPartition(cluster, partition, channel, "presence-users");
}

/** hash owner → "end state steps", see presence-beat.lua. Lives for ever; lost owners are removed when they are swept. */
export function presenceOwnersKey(cluster: string, partition: number): string {
  return `${cluster}:{${partition}}:presence-owners`;
}

/** set of the channels in which an owner has members. Lives while there are any. */
export function presenceOwnedKey(cluster: string, partition: number, owner: string): string {
  return `${cluster}:{${partition}}:presence-owned:${owner}`;
}

/** hash node -> "units end". Lives as long as the last of them; nodes renew what they hold. */
export function quotaKey(cluster: string, kind: string, key: string): string {
  return `${cluster}:{${directoryPartition}}:quota:${kind}:${key}`;
}

/**
 * hash of a publication's receipt: epoch, seq, and "life node" → "sessions written unsent dropped recovered". Lives until
 * `limits.receiptSeconds` behind the publication. No channel contains a space, so no two are equal.
 */
export function receiptKey(cluster: string, channel: Channel, offset: number): string {
  return `${cluster}:{${directoryPartition}}:receipt:${channel} ${offset}`;
}

/** hash "life node" → "ms seq seq …", when it last said up to where it has reported. Lives that long behind the last of them. */
export function receiptLivesKey(cluster: string): string {
  return `${cluster}:{${directoryPartition}}:receipts:lives`;
}

/** zset of the names in the hash above by their ms, so that those of former nodes are found and removed. Lives as that one. */
export function receiptOrderKey(cluster: string): string {
  return `${cluster}:{${directoryPartition}}:receipts:order`;
}

function inPartition(cluster: string, partition: number, channel: Channel, kind: string): string {
  return `${cluster}:{${partition}}:${kind}:${channel}`;
}

function scheduleKey(cluster: string, kind: string): string {
  return `${cluster}:{${directoryPartition}}:schedule:${kind}`;
}

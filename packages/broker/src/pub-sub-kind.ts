/** Redis's two kinds of pub/sub. Sharded since Redis 7: in a Redis Cluster only one shard carries a message then. */
export type PubSubKind = "sharded" | "classic";

/** The kind to use with a server, from what it says in INFO. lua/publish.lua decides alike. */
export function pubSubKindOf(info: string): PubSubKind {
  const major = /^redis_version:([0-9]+)\./m.exec(info)?.[1];
  return Number(major) >= 7 ? "sharded" : "classic";
}

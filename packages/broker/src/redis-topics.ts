import type { Commands } from "./commands.ts";
import type { PubSubKind } from "./pub-sub-kind.ts";

/** Says something on a topic of the Redis that `commands` asks. */
export async function tell(commands: Commands, kind: PubSubKind, topic: string, message: Uint8Array): Promise<void> {
  const bytes = Buffer.from(message.buffer, message.byteOffset, message.byteLength);
  await commands.run((client) => (kind === "sharded" ? client.spublish(topic, bytes) : client.publish(topic, bytes)));
}

/** How many connections hear a topic. */
export async function countSubscribers(commands: Commands, kind: PubSubKind, topic: string): Promise<number> {
  const how = kind === "sharded" ? "SHARDNUMSUB" : "NUMSUB";
  const [, count] = (await commands.run((client) => client.call("PUBSUB", how, topic))) as [topic: string, count: number];
  return Number(count);
}

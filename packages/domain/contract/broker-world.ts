import {
  type Announcement,
  type Broker,
  type Channel,
  channelName,
  type Draft,
  defaultEvent,
  type Position,
  type PubSub,
  parseAnnouncement,
  partitionOf,
  type Retention,
  roomOf,
  topicOfRoom,
} from "@fanfare/domain";
import { expect } from "vitest";

/** One backend as two nodes see it. For an implementation within one process both may be the same object. */
export interface BrokerWorld {
  readonly cluster: string;
  readonly brokers: readonly [Broker, Broker];
  readonly pubSub: PubSub;
  close(): Promise<void>;
}

/** Opens an empty backend whose ids are remembered for `idLifeMs`, by default as long as the port says. */
export type OpenBrokerWorld = (options?: { readonly idLifeMs?: number }) => Promise<BrokerWorld>;

export const keepAll: Retention = { count: 10_000, seconds: 600 };

export function draftOf(channel: Channel, json: string, rest: Partial<Draft> = {}): Draft {
  return { channel, event: defaultEvent, payload: { json, binary: false }, ...rest };
}

/** Publishes something new and answers where it stands. */
export async function publish(
  broker: Broker,
  channel: Channel,
  json: string,
  rest: Partial<Draft> = {},
  retain = keepAll,
): Promise<Position> {
  const outcome = await broker.publish(draftOf(channel, json, rest), retain);
  if (outcome.kind !== "stored") expect.fail(`the publication is a ${outcome.kind}`);
  return outcome.position;
}

/** Publishes the numbers from 1 to `count`, one after another. */
export async function publishNumbers(broker: Broker, channel: Channel, count: number, retain = keepAll): Promise<void> {
  for (let number = 1; number <= count; number++) await publish(broker, channel, String(number), {}, retain);
}

/** Everything that is announced in these channels from now on. */
export async function listen({ cluster, brokers, pubSub }: BrokerWorld, ...channels: readonly Channel[]): Promise<Heard> {
  const messages: Uint8Array[] = [];
  // A copy: who owns the bytes after the listener has returned is not said.
  pubSub.onMessage((_topic, message) => void messages.push(Uint8Array.from(message)));
  const topicOf = (channel: Channel): string =>
    topicOfRoom(cluster, roomOf(channel, partitionOf(channel, brokers[0].partitions)));
  await Promise.all(channels.map((channel) => pubSub.subscribe(topicOf(channel))));
  return {
    messages,
    get announcements() {
      return messages.map((message) => parseAnnouncement(message) ?? expect.fail("a message is not an announcement"));
    },
  };
}

export interface Heard {
  readonly messages: readonly Uint8Array[];
  readonly announcements: readonly Announcement[];
}

let channels = 0;

/** Another channel, of the same partition: only there seqs can be compared. */
export function neighbourOf(channel: Channel, { partitions }: Pick<Broker, "partitions">): Channel {
  for (;;) {
    const candidate = newChannel();
    if (partitionOf(candidate, partitions) === partitionOf(channel, partitions)) return candidate;
  }
}

/** A channel that no other test uses. */
export function newChannel(): Channel {
  return channelName(`contract:${++channels}`);
}

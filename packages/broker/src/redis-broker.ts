import {
  type AtomicOutcome,
  announcementPieces,
  type Broker,
  type Channel,
  type ChannelState,
  type ChannelTop,
  type Draft,
  FanfareError,
  type LogRange,
  type LogSlice,
  limits,
  type PublishFailure,
  type PublishItem,
  type PublishOptions,
  type PublishOutcome,
  partitionOf,
  type Retention,
  roomOf,
  type Seq,
  topicOfRoom,
} from "@fanfare/domain";
import type { Redis } from "ioredis";
import { refuseTooMany } from "./atomic.ts";
import type { Commands } from "./commands.ts";
import { eachByItself } from "./each.ts";
import { epochSource } from "./epoch.ts";
import { fingerprintOf } from "./fingerprint.ts";
import { idKey, logKey, metaKey, seqKey } from "./keys.ts";
import { channelLifeAfterPublishMs, channelLifeMs, idLifeMs, logLifeMs } from "./lives.ts";
import { decodeEntry, payloadLength, type RawEntry } from "./log-entry.ts";
import type { PubSubKind } from "./pub-sub-kind.ts";
import { PublishTurns } from "./publish-turns.ts";
import { ReadGate } from "./read-gate.ts";
import type { RedisPartition, RedisPartitions } from "./redis-partition.ts";
import { scripts } from "./scripts.ts";

export interface RedisBrokerOptions {
  readonly cluster: string;
  readonly partitions: RedisPartitions;
  /** Rejects while the cluster's nodes do not agree on the number of partitions. Asked before anything is written. */
  readonly agreed?: (() => Promise<void>) | undefined;
  /** Which of Redis's two kinds of pub/sub announcements use. Absent: the one that its version asks for. */
  readonly kind?: PubSubKind | undefined;
  readonly idLifeMs?: number;
}

/** Channels of one `open` script: each takes Redis a few µs, in which it does nothing else. */
const openMax = 200;

/** {@link Broker} on Redis ≥ 6.2 or Valkey. Each verb is one script, so each is one step. */
export class RedisBroker implements Broker {
  readonly partitions: number;
  readonly #cluster: string;
  readonly #newEpoch = epochSource();
  readonly #partitions: RedisPartitions;
  readonly #agreed: (() => Promise<void>) | undefined;
  readonly #kind: PubSubKind | "";
  readonly #idLifeMs: number;
  readonly #turns: PublishTurns[] = [];
  readonly #reads: readonly ReadGate[];

  constructor({ cluster, partitions, agreed, kind, idLifeMs: lifeMs = idLifeMs }: RedisBrokerOptions) {
    this.#cluster = cluster;
    this.partitions = partitions.length;
    this.#partitions = partitions;
    this.#reads = partitions.map(() => new ReadGate());
    this.#agreed = agreed;
    this.#kind = kind ?? "";
    this.#idLifeMs = lifeMs;
  }

  async publish(draft: Draft, retain: Retention, { durable = false }: PublishOptions = {}): Promise<PublishOutcome> {
    const partition = this.#partitionOf(draft.channel);
    const item = { draft, retain };
    if (!durable) {
      return new Promise((resolve, reject) => {
        this.#turnsOf(partition).add(item, (outcome) => (outcome.kind === "failed" ? reject(outcome.error) : resolve(outcome)));
      });
    }
    const { answer, replicas } = await this.#in(partition).durable.run(await this.#storing(partition, [item], false));
    const [outcome] = outcomesOf(answer, [item]);
    return outcome === undefined || outcome.kind === "conflict" ? { kind: "conflict" } : { ...outcome, replicas };
  }

  publishEach(
    items: readonly PublishItem[],
    { durable = false }: PublishOptions = {},
  ): Promise<readonly (PublishOutcome | PublishFailure)[]> {
    if (durable) return eachByItself(items, ({ draft, retain }) => this.publish(draft, retain, { durable }));
    return new Promise((resolve) => {
      const outcomes: (PublishOutcome | PublishFailure)[] = [];
      let left = items.length;
      if (left === 0) resolve(outcomes);
      for (const [at, item] of items.entries()) {
        this.#turnsOf(this.#partitionOf(item.draft.channel)).add(item, (outcome) => {
          outcomes[at] = outcome;
          if (--left === 0) resolve(outcomes);
        });
      }
    });
  }

  async publishAll(items: readonly PublishItem[], { durable = false }: PublishOptions = {}): Promise<AtomicOutcome> {
    const [first] = items;
    if (first === undefined) return { kind: "stored", outcomes: [] };
    const partition = this.#partitionOf(first.draft.channel);
    if (items.some(({ draft }) => this.#partitionOf(draft.channel) !== partition)) {
      const detail =
        "The channels of this batch do not all live in one partition, so their publications cannot be stored as one.";
      throw new FanfareError("ATOMIC_UNSUPPORTED", { detail });
    }
    refuseTooMany(items);
    // What was published before them comes before them.
    this.#turns[partition]?.send();
    const store = await this.#storing(partition, items, true);
    const { commands, durable: confirmed } = this.#in(partition);
    if (!durable) return atomicOutcomeOf(await commands.run(store), items);
    const { answer, replicas } = await confirmed.run(store);
    const outcome = atomicOutcomeOf(answer, items);
    return outcome.kind === "conflict" ? outcome : { ...outcome, replicas };
  }

  async open(channels: readonly Channel[]): Promise<ChannelTop[]> {
    if (this.#agreed !== undefined) await this.#agreed();
    const byPartition = new Map<number, Channel[]>();
    for (const channel of channels) {
      const partition = this.#partitionOf(channel);
      const others = byPartition.get(partition);
      if (others === undefined) byPartition.set(partition, [channel]);
      else others.push(channel);
    }
    const batches: Promise<ChannelTop[]>[] = [];
    for (const [partition, some] of byPartition) {
      for (let at = 0; at < some.length; at += openMax) {
        batches.push(this.#openBatch(partition, some.slice(at, at + openMax)));
      }
    }
    const opened = new Map((await Promise.all(batches)).flat().map((top) => [top.channel, top]));
    return channels.flatMap((channel) => opened.get(channel) ?? []);
  }

  async frontier(partition: number): Promise<Seq> {
    return Number((await this.#in(partition).commands.run((client) => client.get(seqKey(this.#cluster, partition)))) ?? 0);
  }

  async read(channel: Channel, range: LogRange, retain: Retention): Promise<LogSlice> {
    const edge = range.from === "end" ? 0 : range.from === "afterSeq" ? range.seq : range.offset;
    const { limit } = range;
    const args = { from: range.from, edge, limit, keep: retain.count, bytes: limits.pageBytesMax, logLife: logLifeMs(retain) };
    const read = async (): Promise<LogSlice> => {
      const [epoch, offset, seq, first, entries, now] = (await this.#of(channel).run((client) =>
        scripts.read.run(client, { keys: this.#channelKeys(channel), args }),
      )) as RawSlice;
      const publications = entries.map((entry) => decodeEntry(channel, epoch, entry, now));
      return { top: { epoch, offset, seq }, first, publications, payloadBytes: bytesOf(entries) };
    };
    return this.#gateOf(channel).run(read, ({ payloadBytes }) => payloadBytes);
  }

  async describe(channel: Channel, retain: Retention): Promise<ChannelState | undefined> {
    const { top, first } = await this.read(channel, { from: "end", limit: 0 }, retain);
    return top.epoch === "" ? undefined : { top, retained: top.offset + 1 - first };
  }

  async purge(channel: Channel): Promise<number> {
    const { log } = this.#channelKeys(channel);
    return (await this.#of(channel).run((client) => scripts.purge.run(client, { keys: { log }, args: {} }))) as number;
  }

  async renew(channel: Channel, epoch: string): Promise<ChannelTop> {
    if (this.#agreed !== undefined) await this.#agreed();
    const places = (await this.#of(channel).run((client) =>
      scripts.renew.run(client, {
        keys: this.#channelKeys(channel),
        args: { epoch, candidate: this.#newEpoch(), metaLife: channelLifeMs },
      }),
    )) as Places;
    return placeAt(places, 0, channel);
  }

  async ping(): Promise<void> {
    await Promise.all(this.#partitions.map(({ commands }) => commands.run((client) => client.ping())));
  }

  async close(): Promise<void> {
    for (const { commands, durable } of this.#partitions) {
      commands.close();
      durable.close();
    }
  }

  #turnsOf(partition: number): PublishTurns {
    let turns = this.#turns[partition];
    if (turns === undefined) {
      turns = new PublishTurns(async (items) => {
        const store = await this.#storing(partition, items, false);
        return outcomesOf(await this.#in(partition).commands.run(store), items);
      });
      this.#turns[partition] = turns;
    }
    return turns;
  }

  /** The call of publish.lua. `together`: all or none. */
  async #storing(
    partition: number,
    items: readonly PublishItem[],
    together: boolean,
  ): Promise<(client: Redis) => Promise<unknown>> {
    const moreKeys: string[] = [];
    const moreArgs: (string | number)[] = [];
    for (const item of items) {
      const { channel, id = "" } = item.draft;
      const { meta, log } = this.#channelKeys(channel);
      moreKeys.push(meta, log, idKey(this.#cluster, partition, channel, id));
      moreArgs.push(...this.#argsOf(item, partition));
    }
    const keys = { seq: seqKey(this.#cluster, partition) };
    const args = { candidate: this.#newEpoch(), idLife: this.#idLifeMs, kind: this.#kind, together: together ? "1" : "" };
    if (this.#agreed !== undefined) await this.#agreed();
    return (client) => scripts.publish.run(client, { keys, args, moreKeys, moreArgs });
  }

  /** What publish.lua takes for each, in its order. */
  #argsOf({ draft, retain }: PublishItem, partition: number): (string | number)[] {
    const { channel, event, payload, id, except = [], ttlSeconds, traceparent = "", receipt } = draft;
    const room = roomOf(channel, partition);
    const { head, before, data, after, tail } = announcementPieces(draft, room, retain.count > 0);
    return [
      retain.count,
      logLifeMs(retain),
      channelLifeAfterPublishMs(retain),
      id === undefined ? "" : fingerprintOf(draft),
      id ?? "",
      event,
      data,
      payload.binary ? "1" : "",
      except.join(","),
      ttlSeconds === undefined ? "" : ttlSeconds * 1_000,
      traceparent,
      receipt === true ? "1" : "",
      topicOfRoom(this.#cluster, room),
      head,
      before,
      after,
      tail,
    ];
  }

  async #openBatch(partition: number, channels: readonly Channel[]): Promise<ChannelTop[]> {
    const places = (await this.#in(partition).commands.run((client) =>
      scripts.open.run(client, {
        keys: {},
        moreKeys: channels.flatMap((channel) => Object.values(this.#channelKeys(channel))),
        args: { candidate: this.#newEpoch(), metaLife: channelLifeMs },
      }),
    )) as Places;
    return channels.map((channel, index) => placeAt(places, index, channel));
  }

  #partitionOf(channel: Channel): number {
    return partitionOf(channel, this.partitions);
  }

  #gateOf(channel: Channel): ReadGate {
    return this.#reads[this.#partitionOf(channel)] as ReadGate;
  }

  #of(channel: Channel): Commands {
    return this.#in(this.#partitionOf(channel)).commands;
  }

  #in(partition: number): RedisPartition {
    return this.#partitions[partition] ?? this.#partitions[0];
  }

  #channelKeys(channel: Channel): { meta: string; log: string } {
    const partition = this.#partitionOf(channel);
    return { meta: metaKey(this.#cluster, partition, channel), log: logKey(this.#cluster, partition, channel) };
  }
}

/** What read.lua answers. */
type RawSlice = readonly [epoch: string, offset: number, seq: Seq, first: number, entries: readonly RawEntry[], now: number];

/** Of the payloads. */
function bytesOf(entries: readonly RawEntry[]): number {
  let bytes = 0;
  for (const entry of entries) bytes += payloadLength(entry);
  return bytes;
}

type Answer = readonly [kind: 0 | 1, epoch: string, offset: number, seq?: Seq] | readonly [kind: -1];

/** What publish.lua answers for publications that are stored each by itself. */
function outcomesOf(answer: unknown, items: readonly PublishItem[]): PublishOutcome[] {
  const answers = answer as readonly Answer[];
  if (answers.length !== items.length) {
    throw new FanfareError("INTERNAL", { detail: "A script answered for fewer than it was given." });
  }
  return answers.map((one, index) => outcomeOf(one, items[index]?.draft.receipt === true));
}

function outcomeOf([kind, epoch, offset, seq]: Answer, receipt: boolean): PublishOutcome {
  if (kind === -1 || epoch === undefined || offset === undefined) return { kind: "conflict" };
  const position = { epoch, offset };
  if (kind === 0) return { kind: "duplicate", position };
  return receipt ? { kind: "stored", position, seq } : { kind: "stored", position };
}

/** What it answers for publications that belong together. */
function atomicOutcomeOf(answer: unknown, items: readonly PublishItem[]): AtomicOutcome {
  const [first, number] = answer as readonly unknown[];
  if (first === -1) return { kind: "conflict", index: Number(number) - 1 };
  const outcomes = outcomesOf(answer, items).flatMap((outcome) => (outcome.kind === "conflict" ? [] : [outcome]));
  return { kind: "stored", outcomes };
}

/** epoch, top, seq, epoch, top, seq, … */
type Places = readonly (string | number)[];

function placeAt(places: Places, index: number, channel: Channel): ChannelTop {
  const [epoch, offset, seq] = places.slice(3 * index, 3 * index + 3);
  if (typeof epoch !== "string" || typeof offset !== "number" || typeof seq !== "number") {
    throw new FanfareError("INTERNAL", { detail: "A script answered something else than places." });
  }
  return { channel, epoch, offset, seq };
}

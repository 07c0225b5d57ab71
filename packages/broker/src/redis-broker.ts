import {
  announcementPieces,
  type Broker,
  type Channel,
  type ChannelState,
  type ChannelTop,
  type Draft,
  FanfareError,
  type LogRange,
  type LogSlice,
  type PublishOutcome,
  type Retention,
  type Seq,
  topicOfRoom,
} from "@fanfare/domain";
import type { Commands } from "./commands.ts";
import { newEpoch } from "./epoch.ts";
import { fingerprintOf } from "./fingerprint.ts";
import { idKey, logKey, metaKey, roomOfChannel, seqKey } from "./keys.ts";
import { channelLifeAfterPublishMs, channelLifeMs, idLifeMs, logLifeMs } from "./lives.ts";
import { decodeEntry, type RawEntry } from "./log-entry.ts";
import type { PubSubKind } from "./pub-sub-kind.ts";
import { scripts } from "./scripts.ts";

export interface RedisBrokerOptions {
  readonly cluster: string;
  readonly commands: Commands;
  /** Which of Redis's two kinds of pub/sub announcements use. Absent: the one that its version asks for. */
  readonly kind?: PubSubKind | undefined;
  readonly idLifeMs?: number;
}

/** Channels of one `open` script: each takes Redis a few µs, in which it does nothing else. */
const openMax = 200;

/** {@link Broker} on Redis ≥ 6.2 or Valkey. Each verb is one script, so each is one step. */
export class RedisBroker implements Broker {
  readonly #cluster: string;
  readonly #commands: Commands;
  readonly #kind: PubSubKind | "";
  readonly #idLifeMs: number;

  constructor({ cluster, commands, kind, idLifeMs: lifeMs = idLifeMs }: RedisBrokerOptions) {
    this.#cluster = cluster;
    this.#commands = commands;
    this.#kind = kind ?? "";
    this.#idLifeMs = lifeMs;
  }

  async publish(draft: Draft, retain: Retention): Promise<PublishOutcome> {
    const { channel, event, payload, id, except = [] } = draft;
    const room = roomOfChannel(channel);
    const { head, middle, tail } = announcementPieces(draft, room, retain.count > 0);
    const answer = (await this.#commands.run((client) =>
      scripts.publish.run(client, {
        keys: {
          ...this.#channelKeys(channel),
          seq: seqKey(this.#cluster, 0),
          id: idKey(this.#cluster, channel, id ?? ""),
        },
        args: {
          candidate: newEpoch(),
          keep: retain.count,
          logLife: logLifeMs(retain),
          metaLife: channelLifeAfterPublishMs(retain),
          idLife: this.#idLifeMs,
          fingerprint: id === undefined ? "" : fingerprintOf(draft),
          name: id ?? "",
          event,
          data: payload.json,
          binary: payload.binary ? "1" : "",
          except: except.join(","),
          kind: this.#kind,
          topic: topicOfRoom(this.#cluster, room),
          head,
          middle,
          tail,
        },
      }),
    )) as [kind: -1] | [kind: 0 | 1, epoch: string, offset: number];
    if (answer[0] === -1) return { kind: "conflict" };
    const [kind, epoch, offset] = answer;
    return { kind: kind === 1 ? "stored" : "duplicate", position: { epoch, offset } };
  }

  async open(channels: readonly Channel[]): Promise<ChannelTop[]> {
    const batches: Promise<ChannelTop[]>[] = [];
    for (let at = 0; at < channels.length; at += openMax) batches.push(this.#openBatch(channels.slice(at, at + openMax)));
    return (await Promise.all(batches)).flat();
  }

  async frontier(): Promise<Seq> {
    return Number((await this.#commands.run((client) => client.get(seqKey(this.#cluster, 0)))) ?? 0);
  }

  async read(channel: Channel, range: LogRange, retain: Retention): Promise<LogSlice> {
    const edge = range.from === "end" ? 0 : range.from === "afterSeq" ? range.seq : range.offset;
    const [epoch, offset, seq, first, entries] = (await this.#commands.run((client) =>
      scripts.read.run(client, {
        keys: this.#channelKeys(channel),
        args: { from: range.from, edge, limit: range.limit, keep: retain.count, logLife: logLifeMs(retain) },
      }),
    )) as [epoch: string, offset: number, seq: Seq, first: number, entries: RawEntry[]];
    return { top: { epoch, offset, seq }, first, publications: entries.map((entry) => decodeEntry(channel, epoch, entry)) };
  }

  async describe(channel: Channel, retain: Retention): Promise<ChannelState | undefined> {
    const { top, first } = await this.read(channel, { from: "end", limit: 0 }, retain);
    return top.epoch === "" ? undefined : { top, retained: top.offset + 1 - first };
  }

  async purge(channel: Channel): Promise<number> {
    const { log } = this.#channelKeys(channel);
    return (await this.#commands.run((client) => scripts.purge.run(client, { keys: { log }, args: {} }))) as number;
  }

  async renew(channel: Channel, epoch: string): Promise<ChannelTop> {
    const places = (await this.#commands.run((client) =>
      scripts.renew.run(client, {
        keys: this.#channelKeys(channel),
        args: { epoch, candidate: newEpoch(), metaLife: channelLifeMs },
      }),
    )) as Places;
    return placeAt(places, 0, channel);
  }

  async ping(): Promise<void> {
    await this.#commands.run((client) => client.ping());
  }

  async close(): Promise<void> {
    this.#commands.close();
  }

  async #openBatch(channels: readonly Channel[]): Promise<ChannelTop[]> {
    const places = (await this.#commands.run((client) =>
      scripts.open.run(client, {
        keys: {},
        moreKeys: channels.flatMap((channel) => Object.values(this.#channelKeys(channel))),
        args: { candidate: newEpoch(), metaLife: channelLifeMs },
      }),
    )) as Places;
    return channels.map((channel, index) => placeAt(places, index, channel));
  }

  #channelKeys(channel: Channel): { meta: string; log: string } {
    return { meta: metaKey(this.#cluster, channel), log: logKey(this.#cluster, channel) };
  }
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

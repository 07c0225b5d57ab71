import {
  announcementPieces,
  announcementText,
  type Broker,
  type Channel,
  type ChannelState,
  type ChannelTop,
  type Clock,
  type Draft,
  type LogRange,
  type LogSlice,
  type Position,
  type PublishOptions,
  type PublishOutcome,
  type PubSub,
  type Retention,
  roomOf,
  type Seq,
  systemClock,
  topicOfRoom,
} from "@fanfare/domain";
import { epochSource } from "./epoch.ts";
import { fingerprintOf } from "./fingerprint.ts";
import { channelLifeAfterPublishMs, channelLifeMs, idLifeMs } from "./lives.ts";
import { MemoryLog } from "./memory-log.ts";

interface ChannelEntry {
  epoch: string;
  top: number;
  seq: Seq;
  readonly log: MemoryLog;
  /** By the monotonic clock. */
  forgottenAtMs: number;
}

interface Remembered {
  readonly fingerprint: string;
  readonly position: Position;
  readonly forgottenAtMs: number;
}

export interface MemoryBrokerOptions {
  readonly cluster: string;
  /** Where publications are announced. */
  readonly pubSub: Pick<PubSub, "publish">;
  readonly clock?: Clock;
  readonly idLifeMs?: number;
}

/** How often channels that nobody uses any more are looked for. */
const sweepMs = 60_000;

/** {@link Broker} within one process. It forgets what Redis would forget, so its memory is bounded by the same rules. */
export class MemoryBroker implements Broker {
  readonly partitions = 1;
  readonly #cluster: string;
  readonly #newEpoch = epochSource();
  readonly #pubSub: Pick<PubSub, "publish">;
  readonly #clock: Clock;
  readonly #idLifeMs: number;
  readonly #channels = new Map<Channel, ChannelEntry>();
  /** Ordered by age, because all live equally long. */
  readonly #ids = new Map<string, Remembered>();
  #seq: Seq = 0;
  #sweptAtMs: number;

  constructor({ cluster, pubSub, clock = systemClock, idLifeMs: lifeMs = idLifeMs }: MemoryBrokerOptions) {
    this.#cluster = cluster;
    this.#pubSub = pubSub;
    this.#clock = clock;
    this.#idLifeMs = lifeMs;
    this.#sweptAtMs = clock.monotonic();
  }

  async publish(draft: Draft, retain: Retention, { durable = false }: PublishOptions = {}): Promise<PublishOutcome> {
    const outcome = await this.#publish(draft, retain);
    // There is nobody who could have it too.
    return durable && outcome.kind !== "conflict" ? { ...outcome, replicas: 0 } : outcome;
  }

  async open(channels: readonly Channel[]): Promise<ChannelTop[]> {
    this.#forget();
    return channels.map((channel) => topOf(channel, this.#entry(channel, channelLifeMs)));
  }

  async frontier(): Promise<Seq> {
    return this.#seq;
  }

  async read(channel: Channel, range: LogRange, retain: Retention): Promise<LogSlice> {
    this.#forget();
    const entry = this.#channels.get(channel);
    if (entry === undefined) return { top: { epoch: "", offset: 0, seq: 0 }, first: 1, publications: [] };
    entry.log.dropOld(retain, this.#clock.now());
    const { epoch, top: offset, seq } = entry;
    return { top: { epoch, offset, seq }, ...entry.log.slice(range, retain, offset) };
  }

  async describe(channel: Channel, retain: Retention): Promise<ChannelState | undefined> {
    const { top, first } = await this.read(channel, { from: "end", limit: 0 }, retain);
    return top.epoch === "" ? undefined : { top, retained: top.offset + 1 - first };
  }

  async purge(channel: Channel): Promise<number> {
    return this.#channels.get(channel)?.log.clear() ?? 0;
  }

  async renew(channel: Channel, epoch: string): Promise<ChannelTop> {
    this.#forget();
    const entry = this.#entry(channel, channelLifeMs);
    if (entry.epoch === epoch) {
      entry.epoch = this.#newEpoch();
      entry.top = 0;
      entry.seq = 0;
      entry.log.clear();
    }
    return topOf(channel, entry);
  }

  async ping(): Promise<void> {}

  async close(): Promise<void> {
    this.#channels.clear();
    this.#ids.clear();
  }

  async #publish(draft: Draft, retain: Retention): Promise<PublishOutcome> {
    const now = this.#forget();
    const idKey = draft.id === undefined ? undefined : `${draft.channel} ${draft.id}`;
    const fingerprint = idKey === undefined ? "" : fingerprintOf(draft);
    const first = idKey === undefined ? undefined : this.#ids.get(idKey);
    if (first !== undefined) {
      return first.fingerprint === fingerprint ? { kind: "duplicate", position: first.position } : { kind: "conflict" };
    }

    const entry = this.#entry(draft.channel, channelLifeAfterPublishMs(retain));
    const place = {
      epoch: entry.epoch,
      offset: entry.top + 1,
      seq: Math.max(this.#seq + 1, this.#clock.now() * 1_000),
      previous: entry.seq,
    };
    entry.top = place.offset;
    entry.seq = place.seq;
    this.#seq = place.seq;
    if (retain.count > 0) {
      entry.log.append({ ...stored(draft), ...place });
      entry.log.trim(retain, this.#clock.now());
    } else {
      entry.log.clear();
    }
    const position = { epoch: place.epoch, offset: place.offset };
    if (idKey !== undefined) this.#ids.set(idKey, { fingerprint, position, forgottenAtMs: now + this.#idLifeMs });

    const room = roomOf(draft.channel, 0);
    const text = announcementText(announcementPieces(draft, room, retain.count > 0), place);
    await this.#pubSub.publish(topicOfRoom(this.#cluster, room), Buffer.from(text));
    return { kind: "stored", position };
  }

  /** The channel's entry, made when there is none, with at least `lifeMs` before it is forgotten. */
  #entry(channel: Channel, lifeMs: number): ChannelEntry {
    const forgottenAtMs = this.#clock.monotonic() + lifeMs;
    const found = this.#channels.get(channel);
    if (found !== undefined) {
      found.forgottenAtMs = Math.max(found.forgottenAtMs, forgottenAtMs);
      return found;
    }
    const made = { epoch: this.#newEpoch(), top: 0, seq: 0, log: new MemoryLog(), forgottenAtMs };
    this.#channels.set(channel, made);
    return made;
  }

  /** Drops what has outlived its time. Answers the monotonic now. */
  #forget(): number {
    const now = this.#clock.monotonic();
    for (const [key, { forgottenAtMs }] of this.#ids) {
      if (forgottenAtMs > now) break;
      this.#ids.delete(key);
    }
    if (now - this.#sweptAtMs >= sweepMs) {
      this.#sweptAtMs = now;
      for (const [channel, { forgottenAtMs, log }] of this.#channels) {
        if (forgottenAtMs <= now) this.#channels.delete(channel);
        else log.dropExpired(this.#clock.now());
      }
    }
    return now;
  }
}

/** A draft as it reads when it comes back from a log: without members that say nothing. */
function stored({ channel, event, payload, id, except = [] }: Draft): Draft {
  return { channel, event, payload, ...(id === undefined ? {} : { id }), ...(except.length === 0 ? {} : { except }) };
}

function topOf(channel: Channel, { epoch, top, seq }: ChannelEntry): ChannelTop {
  return { channel, epoch, offset: top, seq };
}

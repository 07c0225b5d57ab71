import {
  type AtomicOutcome,
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
  type PublishFailure,
  type PublishItem,
  type PublishOptions,
  type PublishOutcome,
  type PubSub,
  type Retention,
  roomOf,
  type Seq,
  systemClock,
  topicOfRoom,
} from "@fanfare/domain";
import { refuseTooMany } from "./atomic.ts";
import { eachByItself } from "./each.ts";
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
    const outcome = await this.#publish([{ draft, retain }]);
    if (outcome.kind === "conflict") return { kind: "conflict" };
    const first = outcome.outcomes[0] as (typeof outcome.outcomes)[number];
    // There is nobody who could have it too.
    return durable ? { ...first, replicas: 0 } : first;
  }

  publishEach(
    items: readonly PublishItem[],
    options: PublishOptions = {},
  ): Promise<readonly (PublishOutcome | PublishFailure)[]> {
    return eachByItself(items, ({ draft, retain }) => this.publish(draft, retain, options));
  }

  async publishAll(items: readonly PublishItem[], { durable = false }: PublishOptions = {}): Promise<AtomicOutcome> {
    refuseTooMany(items);
    const outcome = await this.#publish(items);
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
    if (entry === undefined) return { top: { epoch: "", offset: 0, seq: 0 }, first: 1, publications: [], payloadBytes: 0 };
    entry.log.dropOld(retain, this.#clock.now());
    const { epoch, top: offset, seq } = entry;
    return { top: { epoch, offset, seq }, ...entry.log.slice(range, retain, offset, this.#clock.now()) };
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

  async #publish(items: readonly PublishItem[]): Promise<AtomicOutcome> {
    this.#forget();
    const fingerprints = new Map<string, string>();
    for (const [index, { draft }] of items.entries()) {
      const known = this.#known(draft);
      if (known === undefined) continue;
      const { key, fingerprint, first } = known;
      if ((first?.fingerprint ?? fingerprints.get(key) ?? fingerprint) !== fingerprint) return { kind: "conflict", index };
      fingerprints.set(key, fingerprint);
    }
    const outcomes = items.map((item) => this.#store(item));
    // All calls are made before anything is waited for: nobody else's announcement comes in between.
    await Promise.all(outcomes.map(({ announce }) => announce()));
    return { kind: "stored", outcomes: outcomes.map(({ announce: _, ...outcome }) => outcome) };
  }

  /** What is known of a draft's id, and under which name it is. */
  #known(
    draft: Draft,
  ): { readonly key: string; readonly fingerprint: string; readonly first: Remembered | undefined } | undefined {
    if (draft.id === undefined) return undefined;
    const key = `${draft.channel} ${draft.id}`;
    return { key, fingerprint: fingerprintOf(draft), first: this.#ids.get(key) };
  }

  /** Stores without announcing, in one turn of the event loop. */
  #store({ draft, retain }: PublishItem): {
    readonly kind: "stored" | "duplicate";
    readonly position: Position;
    readonly seq?: Seq;
    announce(): Promise<unknown>;
  } {
    const known = this.#known(draft);
    if (known?.first !== undefined) {
      return { kind: "duplicate", position: known.first.position, announce: async () => undefined };
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
      entry.log.append({ ...stored(draft), ...place }, draft.ttlSeconds);
      entry.log.trim(retain, this.#clock.now());
    } else {
      entry.log.clear();
    }
    const position = { epoch: place.epoch, offset: place.offset };
    if (known !== undefined) {
      const { key, fingerprint } = known;
      this.#ids.set(key, { fingerprint, position, forgottenAtMs: this.#clock.monotonic() + this.#idLifeMs });
    }
    const room = roomOf(draft.channel, 0);
    const text = announcementText(announcementPieces(draft, room, retain.count > 0), place);
    return {
      kind: "stored",
      position,
      ...(draft.receipt === true ? { seq: place.seq } : {}),
      announce: () => this.#pubSub.publish(topicOfRoom(this.#cluster, room), Buffer.from(text)),
    };
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
function stored({ channel, event, payload, id, except = [], traceparent, receipt }: Draft): Omit<Draft, "ttlSeconds"> {
  return {
    channel,
    event,
    payload,
    ...(id === undefined ? {} : { id }),
    ...(except.length === 0 ? {} : { except }),
    ...(traceparent === undefined ? {} : { traceparent }),
    ...(receipt === true ? { receipt } : {}),
  };
}

function topOf(channel: Channel, { epoch, top, seq }: ChannelEntry): ChannelTop {
  return { channel, epoch, offset: top, seq };
}

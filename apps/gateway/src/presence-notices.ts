import {
  type Channel,
  type Clock,
  type Presence,
  type PresenceState,
  parsePresenceDelta,
  partitionOf,
  roomOf,
  topicOfPresence,
} from "@fanfare/domain";
import type { Fanout, Listening } from "@fanfare/fanout";
import type { Metrics } from "@fanfare/telemetry";
import { PresenceFeed, type Verdict } from "./presence-feed.ts";
import type { ClientSocket } from "./session.ts";

const notice = "fanfare:presence";
/** How long changes are collected when the channel was quiet, and how long it is quiet after each notice. */
const collectMs = 100;
const betweenMs = 1_000;
/** Between a doubt and the comparison, and between two tries of one. */
const compareMs = 250;
const retryMs = 1_000;
/** How long nodes get to say their members again after the broker has lost them: a beat, and the time to connect again. */
const settleMs = 4_000;
/** How often all channels are compared: for what nobody heard and nobody spoke after. */
const checkMs = 15_000;
const checkChannels = 500;

export interface NoticesParts {
  readonly presence: Presence;
  readonly fanout: Pick<Fanout, "listen" | "notify" | "send">;
  readonly cluster: string;
  readonly clock: Clock;
  readonly metrics: Pick<Metrics, "presenceNotices">;
  readonly membersMax: number;
}

interface Entry {
  readonly channel: Channel;
  readonly feed: PresenceFeed;
  readonly listening: Listening;
  reading: boolean;
  /** Undefined unless the nodes are saying their members again. */
  settling: boolean;
  toldAtMs: number;
  callOffTelling: (() => void) | undefined;
  callOffComparing: (() => void) | undefined;
  /** Called once the feed is what the broker says. */
  waiting: (() => void)[];
}

/**
 * Tells the subscribers on this node who comes and goes, at most once a second for each channel: what it costs grows with
 * the subscribers times the seconds, not with the square of the members.
 */
export class PresenceNotices {
  readonly #parts: NoticesParts;
  readonly #entries = new Map<Channel, Entry>();
  #callOffCheck: () => void;

  constructor(parts: NoticesParts) {
    this.#parts = parts;
    this.#callOffCheck = parts.clock.after(checkMs, () => void this.#check());
  }

  /** The channel has a subscriber here. Idempotent. */
  watch(channel: Channel): void {
    if (this.#entries.has(channel)) return;
    const { presence, fanout, cluster, membersMax } = this.#parts;
    const topic = topicOfPresence(cluster, roomOf(channel, partitionOf(channel, presence.partitions)));
    const entry: Entry = {
      channel,
      feed: new PresenceFeed(channel, membersMax),
      listening: fanout.listen(topic, (message) => this.#hear(entry, message)),
      reading: false,
      settling: false,
      toldAtMs: Number.NEGATIVE_INFINITY,
      callOffTelling: undefined,
      callOffComparing: undefined,
      waiting: [],
    };
    this.#entries.set(channel, entry);
    // What is announced after the reading is heard, and what was announced before is in it.
    void entry.listening.listening.then(() => this.#compare(entry));
  }

  /** The channel has no subscriber here any more. */
  unwatch(channel: Channel): void {
    const entry = this.#entries.get(channel);
    if (entry === undefined) return;
    this.#entries.delete(channel);
    entry.listening.stop();
    entry.callOffTelling?.();
    entry.callOffComparing?.();
    for (const go of entry.waiting.splice(0)) go();
  }

  /** A session is back in the channel and does not know what it has missed. */
  greetReturned(socket: ClientSocket, channel: Channel): void {
    const entry = this.#entries.get(channel);
    if (entry === undefined) return;
    const greet = (): void => {
      if (socket.connected) this.#parts.fanout.send(socket, notice, entry.feed.reloadNotice());
    };
    if (entry.feed.loaded) greet();
    else entry.waiting.push(greet);
  }

  /** Resolves when the channel's members are not just being said again by the nodes. */
  settled(channel: Channel): Promise<void> {
    const entry = this.#entries.get(channel);
    if (!entry?.settling) return Promise.resolve();
    return new Promise((resolve) => entry.waiting.push(resolve));
  }

  /**
   * Takes note of an answer to somebody who asks. False when it must not be given: the broker has just lost its members, and
   * {@link settled} says when they have been said again.
   */
  show(channel: Channel, state: PresenceState): boolean {
    const entry = this.#entries.get(channel);
    if (entry === undefined || entry.feed.show(state)) return true;
    this.#act(entry, "settle");
    return false;
  }

  /** Whether subscribers here are told only counts. */
  countsOnly(channel: Channel): boolean {
    return this.#entries.get(channel)?.feed.countsOnly ?? false;
  }

  close(): void {
    this.#callOffCheck();
    for (const channel of [...this.#entries.keys()]) this.unwatch(channel);
  }

  #hear(entry: Entry, message: Uint8Array): void {
    const delta = parsePresenceDelta(Buffer.from(message.buffer, message.byteOffset, message.byteLength).toString());
    if (delta !== undefined) this.#act(entry, entry.feed.hear(delta));
  }

  #act(entry: Entry, verdict: Verdict): void {
    if (this.#entries.get(entry.channel) !== entry) return;
    if (verdict === "settle" && !entry.settling) {
      entry.settling = true;
      entry.callOffTelling?.();
      entry.callOffTelling = undefined;
      this.#compareIn(entry, settleMs);
    } else if (verdict === "doubt" && !entry.settling) {
      this.#compareIn(entry, compareMs);
    }
    if (entry.feed.news && entry.feed.loaded && !entry.settling) this.#scheduleTelling(entry);
  }

  #compareIn(entry: Entry, ms: number): void {
    entry.callOffComparing?.();
    entry.callOffComparing = this.#parts.clock.after(ms, () => {
      entry.callOffComparing = undefined;
      void this.#compare(entry);
    });
  }

  /** Reads the channel as it stands and goes on from there. */
  async #compare(entry: Entry): Promise<void> {
    if (entry.reading || this.#entries.get(entry.channel) !== entry) return;
    const { feed, channel } = entry;
    const settled = entry.settling;
    entry.reading = true;
    feed.hold();
    try {
      const state = await this.#parts.presence.read(channel, this.#parts.membersMax);
      entry.reading = false;
      const verdict = feed.load(state, settled);
      if (verdict !== "settle") {
        entry.settling = false;
        for (const go of entry.waiting.splice(0)) go();
      }
      this.#act(entry, verdict);
    } catch {
      entry.reading = false;
      // Not yet loaded, it goes on holding what it hears.
      const verdict = feed.loaded ? feed.resume() : "sure";
      this.#act(entry, verdict);
      if (this.#entries.get(channel) === entry && entry.callOffComparing === undefined) this.#compareIn(entry, retryMs);
    }
  }

  #scheduleTelling(entry: Entry): void {
    const { clock } = this.#parts;
    const waitMs = Math.max(collectMs, entry.toldAtMs + betweenMs - clock.monotonic());
    entry.callOffTelling ??= clock.after(waitMs, () => {
      entry.callOffTelling = undefined;
      const body = entry.feed.next();
      if (body === undefined) return;
      entry.toldAtMs = clock.monotonic();
      this.#parts.metrics.presenceNotices.inc();
      this.#parts.fanout.notify(entry.channel, notice, body);
    });
  }

  async #check(): Promise<void> {
    const entries = [...this.#entries.values()].filter(({ feed }) => feed.loaded);
    try {
      for (let at = 0; at < entries.length; at += checkChannels) {
        const some = entries.slice(at, at + checkChannels);
        const versions = await this.#parts.presence.versions(some.map(({ channel }) => channel));
        for (const [index, entry] of some.entries()) {
          // One that is just on its way is compared for nothing: that does no harm.
          if (entry.feed.version !== versions[index] && !entry.settling) this.#compareIn(entry, compareMs);
        }
      }
    } catch {
      // The broker is away: the next round, or what is heard first, finds what was missed.
    }
    this.#callOffCheck = this.#parts.clock.after(checkMs, () => void this.#check());
  }
}

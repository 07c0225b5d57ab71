import { type Clock, FanfareError, type Link, type PubSub, systemClock } from "@fanfare/domain";
import type { Redis, RedisOptions } from "ioredis";
import type { Commands } from "./commands.ts";
import { connect, drop, end } from "./connection.ts";
import { Linger } from "./linger.ts";
import type { Log } from "./log.ts";
import { type PubSubKind, pubSubKindOf } from "./pub-sub-kind.ts";
import { countSubscribers, tell } from "./redis-topics.ts";

export interface RedisPubSubOptions {
  readonly target: RedisOptions;
  /** What is published goes over this connection. */
  readonly commands: Commands;
  readonly log: Log;
  readonly clock?: Clock;
  /** Absent: the kind that the server's version asks for, at every connect. */
  readonly kind?: PubSubKind | undefined;
  readonly lingerMs?: number;
}

/** How long a topic stays subscribed after its last subscriber has left: a page that is reloaded costs Redis nothing. */
const lingerDefaultMs = 10_000;
/** How often the connection has to show that it is alive. With the command's deadline: how long it can be dead unnoticed. */
const probeEveryMs = 3_000;
/** Topics of one subscribe command. */
const topicsMax = 500;

interface Topic {
  /** Whether Redis has acknowledged it on the present connection. */
  heard: boolean;
  readonly waiting: (() => void)[];
}

/**
 * {@link PubSub} on Redis. It subscribes again by itself after a connection was lost, because it alone knows when all
 * topics are heard again; ioredis would say that it is ready before.
 */
export class RedisPubSub implements PubSub {
  readonly #client: Redis;
  readonly #commands: Commands;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #forcedKind: PubSubKind | undefined;
  /** What is to be heard, lingering topics included. */
  readonly #wanted = new Map<string, Topic>();
  /** What the present connection was told to hear. */
  readonly #asked = new Set<string>();
  /** Topics for which the two may differ. */
  #changed = new Set<string>();
  #flushScheduled = false;
  readonly #linger: Linger;
  #kind: PubSubKind | undefined;
  /** Counts connections. What an earlier one still answers says nothing about the present one. */
  #session = 0;
  /** Whether the present connection may be told what to hear. */
  #open = false;
  #link: Link = "down";
  #stopProbing: () => void = () => {};
  #onMessage: (topic: string, message: Uint8Array) => void = () => {};
  #onLink: (link: Link, partition: number) => void = () => {};
  #closed = false;
  #listenerErrors = 0;

  constructor({ target, commands, log, clock = systemClock, kind, lingerMs = lingerDefaultMs }: RedisPubSubOptions) {
    this.#commands = commands;
    this.#log = log;
    this.#clock = clock;
    this.#forcedKind = kind;
    this.#linger = new Linger(clock, lingerMs, (topic) => this.#forget(topic));
    this.#client = connect(target, "subscriber", log);
    this.#client.on("ready", () => void this.#start());
    this.#client.on("close", () => this.#stop());
    // ioredis's name for: a slot has moved and its topics with it. The connection is fine, but they are not heard on it.
    this.#client.on("moved", () => drop(this.#client));
    this.#client.on("smessageBuffer", this.#hear);
    this.#client.on("messageBuffer", this.#hear);
  }

  /** Messages at which the listener threw. It must not; the count shows when it does. */
  get listenerErrors(): number {
    return this.#listenerErrors;
  }

  /** Undefined before the first connection. */
  get kind(): PubSubKind | undefined {
    return this.#kind;
  }

  /** Never rejects: while Redis is away it waits, and after {@link close} it waits for ever. */
  subscribe(topic: string): Promise<void> {
    if (this.#closed) return new Promise(() => {});
    this.#linger.cancel(topic);
    let wanted = this.#wanted.get(topic);
    if (wanted?.heard) return Promise.resolve();
    if (wanted === undefined) {
      wanted = { heard: false, waiting: [] };
      this.#wanted.set(topic, wanted);
      this.#change(topic);
    }
    const { waiting } = wanted;
    return new Promise((resolve) => {
      waiting.push(resolve);
    });
  }

  unsubscribe(topic: string): void {
    if (this.#wanted.has(topic)) this.#linger.add(topic);
  }

  async publish(topic: string, message: Uint8Array): Promise<void> {
    await tell(this.#commands, this.#knownKind(), topic, message);
  }

  async subscribers(topic: string): Promise<number> {
    return countSubscribers(this.#commands, this.#knownKind(), topic);
  }

  onMessage(listener: (topic: string, message: Uint8Array) => void): void {
    this.#onMessage = listener;
  }

  onLink(listener: (link: Link, partition: number) => void): void {
    this.#onLink = listener;
    if (this.#link === "up") setImmediate(() => listener(this.#link, 0));
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#stopProbing();
    this.#linger.close();
    this.#wanted.clear();
    end(this.#client);
  }

  /** A connection is there. The link is up once all that was wanted at this moment is heard on it. */
  async #start(): Promise<void> {
    const session = ++this.#session;
    try {
      this.#kind = this.#forcedKind ?? pubSubKindOf(await this.#client.info("server"));
      if (session !== this.#session || this.#closed) return;
      this.#log.info({ kind: this.#kind, topics: this.#wanted.size }, "subscribing");
      this.#open = true;
      await this.#send("subscribe", [...this.#wanted.keys()], session);
      if (session !== this.#session || this.#closed) return;
      this.#setLink("up");
      this.#probe(session);
      // What was wanted or left in the meantime.
      this.#flush();
    } catch (thrown) {
      this.#giveUp(session, thrown);
    }
  }

  #stop(): void {
    this.#session++;
    this.#open = false;
    this.#asked.clear();
    this.#changed.clear();
    for (const topic of this.#wanted.values()) topic.heard = false;
    this.#stopProbing();
    this.#setLink("down");
  }

  /** Topics are collected for one turn of the event loop: a thousand clients that join at once make two commands. */
  #change(topic: string): void {
    this.#changed.add(topic);
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    setImmediate(() => {
      this.#flushScheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (!this.#open || this.#changed.size === 0) return;
    const changed = [...this.#changed];
    this.#changed = new Set();
    const session = this.#session;
    const failed = (thrown: unknown): void => this.#giveUp(session, thrown);
    this.#send(
      "subscribe",
      changed.filter((topic) => this.#wanted.has(topic) && !this.#asked.has(topic)),
      session,
    ).catch(failed);
    this.#send(
      "unsubscribe",
      changed.filter((topic) => !this.#wanted.has(topic) && this.#asked.has(topic)),
      session,
    ).catch(failed);
  }

  async #send(verb: "subscribe" | "unsubscribe", topics: readonly string[], session: number): Promise<void> {
    const answers: Promise<void>[] = [];
    for (let at = 0; at < topics.length; at += topicsMax) {
      const some = topics.slice(at, at + topicsMax);
      for (const topic of some) {
        if (verb === "subscribe") this.#asked.add(topic);
        else this.#asked.delete(topic);
      }
      const answer = this.#kind === "sharded" ? this.#client[`s${verb}`](...some) : this.#client[verb](...some);
      answers.push(answer.then(() => (verb === "subscribe" ? this.#acknowledge(some, session) : undefined)));
    }
    await Promise.all(answers);
  }

  #acknowledge(topics: readonly string[], session: number): void {
    if (session !== this.#session) return;
    for (const name of topics) {
      const topic = this.#wanted.get(name);
      if (topic === undefined) continue;
      topic.heard = true;
      for (const resolve of topic.waiting.splice(0)) resolve();
    }
  }

  #forget(topic: string): void {
    this.#wanted.delete(topic);
    this.#change(topic);
  }

  /**
   * A subscriber connection says nothing when nothing is published, and also when it was cut without a goodbye: TCP would
   * take a quarter of an hour to tell. So it is asked.
   */
  #probe(session: number): void {
    this.#stopProbing = this.#clock.after(probeEveryMs, () => {
      if (session !== this.#session) return;
      this.#client.ping().then(
        () => {
          if (session === this.#session && !this.#closed) this.#probe(session);
        },
        (thrown: unknown) => this.#giveUp(session, thrown),
      );
    });
  }

  /** A connection that does not do what it should is replaced by another. */
  #giveUp(session: number, thrown: unknown): void {
    if (session !== this.#session || this.#closed) return;
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    this.#log.warn({ reason }, "giving the subscriber connection up");
    drop(this.#client);
  }

  #setLink(link: Link): void {
    if (this.#link === link || this.#closed) return;
    this.#link = link;
    this.#onLink(link, 0);
  }

  #knownKind(): PubSubKind {
    // It is known from the first connection on; before it nothing can be published anyway.
    if (this.#kind === undefined) throw new FanfareError("BROKER_UNAVAILABLE");
    return this.#kind;
  }

  readonly #hear = (topic: Buffer, message: Buffer): void => {
    if (this.#closed) return;
    try {
      this.#onMessage(topic.toString(), message);
    } catch {
      // Thrown on, it would end the process: ioredis throws what listeners throw in a turn of its own.
      this.#listenerErrors++;
    }
  };
}

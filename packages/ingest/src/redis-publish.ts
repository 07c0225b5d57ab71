import { randomBytes } from "node:crypto";
import type { Clock, Draft } from "@fanfare/domain";
import type { Log, Metrics } from "@fanfare/telemetry";
import { Redis, type RedisOptions } from "ioredis";
import type { RedisCommands } from "./redis-commands.ts";
import { RedisLease } from "./redis-lease.ts";
import type { Intake, Source, SourceName } from "./source.ts";

export interface RedisPublishOptions {
  readonly target: RedisOptions;
  /** Of the lease; workers with the same one take turns. */
  readonly leaseKey: string;
  readonly worker: string;
  readonly commands: RedisCommands;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly clock: Clock;
}

/** What a kind of PUBLISH message means. */
export interface RedisPublishKind {
  readonly name: SourceName & ("redis-pattern" | "redis-emitter");
  readonly pattern: string;
  /** Reads a message into what it asks to publish. Throws an error of the band `caller` for what it cannot read. */
  readonly read: (topic: string, message: Buffer, id: string) => Draft[];
}

/** Messages that wait for the broker. Redis holds nothing back for us: what is beyond is dropped and counted. */
const waitingMax = 10_000;
const leasePeriodMs = 500;
const keepAliveMs = 10_000;
const retryMaxMs = 1_000;

/**
 * What producers PUBLISH on Redis channels of a pattern.
 *
 * Order: that in which Redis has them. All workers hear everything; the one that holds the lease publishes it.
 * Losses: a message that is sent while nobody listens is gone, as is one beyond what may wait here, and there is nothing
 * to acknowledge. When the publishing worker is killed that lasts up to 5 s. Producers that must not lose use a stream.
 */
export class RedisPublishSource implements Source {
  readonly name: SourceName;
  readonly #kind: RedisPublishKind;
  readonly #options: RedisPublishOptions;
  readonly #lease: RedisLease;
  readonly #run = randomBytes(9).toString("base64url");
  #client: Redis | undefined;
  #stopLease: (() => void) | undefined;
  #count = 0;
  #waiting = 0;

  constructor(kind: RedisPublishKind, options: RedisPublishOptions) {
    this.name = kind.name;
    this.#kind = kind;
    this.#options = options;
    this.#lease = new RedisLease(options.commands, options.leaseKey, options.worker, options.clock);
  }

  async start(intake: Intake): Promise<void> {
    const { target, log } = this.#options;
    const ours: RedisOptions = {
      connectionName: `fanfare-${this.name}`,
      keepAlive: keepAliveMs,
      maxRetriesPerRequest: null,
      retryStrategy: (attempt) => Math.min(25 * 2 ** Math.min(attempt, 10), retryMaxMs),
    };
    const client = new Redis(Object.assign(ours, target, { replyMapping: "legacy" as const }));
    this.#client = client;
    let isAway = false;
    client.on("error", (error: Error) => {
      if (!isAway) log.warn({ source: this.name, reason: error.message }, "redis is away");
      isAway = true;
    });
    client.on("ready", () => {
      isAway = false;
    });
    client.on("pmessageBuffer", (_: string, topic: Buffer, message: Buffer) => this.#hear(String(topic), message, intake));
    // The first lease is awaited, so that a worker that is ready publishes what it hears.
    await this.#holdLease();
    const subscribed = client.psubscribe(this.#kind.pattern);
    const cancelled = new Promise<void>((resolve) => this.#options.clock.after(retryMaxMs, resolve));
    // Redis may be away: then the client subscribes when it comes.
    await Promise.race([subscribed.catch(() => undefined), cancelled]);
  }

  async stop(): Promise<void> {
    this.#stopLease?.();
    this.#client?.disconnect();
    await this.#lease.release().catch(() => undefined);
  }

  async close(): Promise<void> {
    this.#options.commands.close();
  }

  async lag(): Promise<undefined> {
    return undefined;
  }

  async #holdLease(): Promise<void> {
    await this.#lease.hold().catch(() => false);
    this.#stopLease = this.#options.clock.after(leasePeriodMs, () => void this.#holdLease());
  }

  #hear(topic: string, message: Buffer, intake: Intake): void {
    if (!this.#lease.held) return;
    if (this.#waiting >= waitingMax) {
      this.#options.metrics.ingestGaps.inc({ source: this.name });
      return;
    }
    for (const draft of this.#drafts(topic, message)) {
      this.#waiting += 1;
      const done = (): void => {
        this.#waiting -= 1;
      };
      // Not waited for: Redis cannot be held back. `waitingMax` is the bound.
      void intake({ draft, stored: done, poison: done });
    }
  }

  #drafts(topic: string, message: Buffer): (() => Draft)[] {
    this.#count += 1;
    try {
      return this.#kind.read(topic, message, `${this.name}.${this.#run}.${this.#count}`).map((draft) => () => draft);
    } catch (error) {
      return [
        () => {
          throw error;
        },
      ];
    }
  }
}

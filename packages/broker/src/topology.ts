import type { Socket } from "node:net";
import type { Clock } from "@fanfare/domain";
import { Redis, type RedisOptions } from "ioredis";
import { end } from "./connection.ts";
import type { Log } from "./log.ts";
import { SlotPrimaries } from "./slot-primaries.ts";
import type { Address, Look, ServerView, View } from "./view.ts";

export interface TopologyOptions {
  /** Who is asked first. */
  readonly seeds: readonly Address[];
  /** How to connect to those who are asked: credentials, TLS. */
  readonly login: RedisOptions;
  readonly look: Look;
  readonly log: Log;
  readonly clock: Clock;
}

/** How long somebody who is asked may take to say what it sees. */
const answerMs = 1_000;
/** How often the view is renewed while nothing asks for it: how long a connection can be at the wrong server unnoticed. */
const renewEveryMs = 2_000;
/** Asked at once: one that hangs must not be waited for. */
const askedAtOnce = 3;

interface Follower {
  readonly slot: number;
  /** The server that the stream leads to. Its id, because the same one can have other addresses in other eyes. */
  readonly id: string;
  readonly stream: Socket;
}

/**
 * Which primary serves which slot, as the nodes of a Redis Cluster or the sentinels say.
 *
 * Connections are made for a slot. One that leads to a server which is no longer the slot's primary is cut, so that its
 * owner makes another: a primary that has been replaced while it hung, or was cut off from the others, goes on for a while
 * as if it were one, and what it stores then is lost.
 */
export class Topology {
  readonly #options: TopologyOptions;
  /** Everybody who can be asked, the seeds included: they are what is left when all others have new addresses. */
  #knowing: readonly Address[];
  readonly #primaries = new SlotPrimaries();
  readonly #followers = new Set<Follower>();
  #turn = 0;
  #asking: Promise<void> | undefined;
  #stopRenewing: () => void = () => {};
  #closed = false;

  constructor(options: TopologyOptions) {
    this.#options = options;
    this.#knowing = options.seeds;
    this.#renewLater();
  }

  /** The slot's primary as it is known now. Rejects when nobody answers, or when nobody serves the slot. */
  async primaryOf(slot: number): Promise<ServerView> {
    this.#primaries.want(slot);
    await this.#ask();
    const primary = this.#primaries.of(slot);
    if (primary === undefined) throw new Error(`no server is known to serve slot ${slot}`);
    return primary;
  }

  /** Cuts the stream once the slot has another primary than the server it leads to. */
  follow(slot: number, { id }: ServerView, stream: Socket): void {
    const follower = { slot, id, stream };
    this.#followers.add(follower);
    stream.once("close", () => this.#followers.delete(follower));
    this.#cut(follower);
  }

  close(): void {
    this.#closed = true;
    this.#stopRenewing();
  }

  #renewLater(): void {
    this.#stopRenewing = this.#options.clock.after(renewEveryMs, () => {
      // Without an answer the view stays as it is.
      const renewed = this.#followers.size === 0 ? Promise.resolve() : this.#ask().catch(() => undefined);
      void renewed.then(() => {
        if (!this.#closed) this.#renewLater();
      });
    });
  }

  /** Whoever asks while an answer is under way gets that one. */
  #ask(): Promise<void> {
    this.#asking ??= this.#askSome().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  /** Asks some of those who know, others each time, until one has answered. */
  async #askSome(): Promise<void> {
    const knowing = this.#knowing;
    let failure: unknown;
    for (let asked = 0; asked < knowing.length; asked += askedAtOnce) {
      const length = Math.min(askedAtOnce, knowing.length - asked);
      const some = Array.from({ length }, () => knowing[this.#turn++ % knowing.length]);
      try {
        await Promise.any(some.map((one) => one && this.#askOne(one)));
        return;
      } catch (thrown) {
        failure = thrown instanceof AggregateError ? thrown.errors[0] : thrown;
      }
    }
    throw failure;
  }

  async #askOne({ host, port }: Address): Promise<void> {
    const ours = {
      host,
      port,
      connectionName: "fanfare-topology",
      connectTimeout: answerMs,
      commandTimeout: answerMs,
      lazyConnect: true,
      enableReadyCheck: false,
      retryStrategy: () => null,
    };
    const client = new Redis(Object.assign(ours, this.#options.login, { replyMapping: "legacy" as const }));
    // The rejection says the same.
    client.on("error", () => {});
    try {
      await client.connect();
      this.#learn(await this.#options.look(client, { host, port }));
    } finally {
      end(client);
    }
  }

  #learn({ servers, knowing }: View): void {
    if (this.#closed) return;
    this.#primaries.learn(servers);
    const addresses = [...knowing, ...this.#options.seeds].map(({ host, port }) => [`${host}:${port}`, { host, port }] as const);
    this.#knowing = [...new Map(addresses).values()];
    for (const follower of this.#followers) this.#cut(follower);
  }

  #cut({ slot, id, stream }: Follower): void {
    const primary = this.#primaries.of(slot);
    if (primary === undefined || primary.id === id || stream.destroyed) return;
    this.#options.log.info({ slot, host: primary.host, port: primary.port }, "another primary serves the slot now");
    stream.destroy();
  }
}

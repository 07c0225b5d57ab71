import type { Socket } from "node:net";
import type { Clock } from "@fanfare/domain";
import { Redis, type RedisOptions } from "ioredis";
import { type Address, type ClusterNode, parseClusterNodes } from "./cluster-view.ts";
import { end } from "./connection.ts";
import type { Log } from "./log.ts";
import { SlotPrimaries } from "./slot-primaries.ts";

export interface ClusterTopologyOptions {
  readonly seeds: readonly Address[];
  /** How to connect to any of the nodes: credentials, TLS. */
  readonly login: RedisOptions;
  readonly log: Log;
  readonly clock: Clock;
}

/** How long a node may take to say what it sees. */
const answerMs = 1_000;
/** How often the view is renewed while nothing asks for it: how long a connection can be at the wrong node unnoticed. */
const renewEveryMs = 2_000;
/** Nodes asked at once: one that hangs must not be waited for. */
const askedAtOnce = 3;

interface Follower {
  readonly slot: number;
  /** The node that the stream leads to. Its id, because the same node has other addresses in other nodes' eyes. */
  readonly id: string;
  readonly stream: Socket;
}

/**
 * Which primary of a Redis Cluster serves which slot.
 *
 * Connections are made for a slot. One that leads to a node which is no longer the slot's primary is cut, so that its owner
 * makes another: a primary that has become a replica, or that was cut off from the others, says nothing of it to its
 * subscribers.
 */
export class ClusterTopology {
  readonly #options: ClusterTopologyOptions;
  /** Everybody who can be asked, the seeds included: they are what is left when all others have new addresses. */
  #nodes: readonly Address[];
  readonly #primaries = new SlotPrimaries();
  readonly #followers = new Set<Follower>();
  #turn = 0;
  #asking: Promise<void> | undefined;
  #stopRenewing: () => void = () => {};
  #closed = false;

  constructor(options: ClusterTopologyOptions) {
    this.#options = options;
    this.#nodes = options.seeds;
    this.#renewLater();
  }

  /** The slot's primary as it is known now. Rejects when no node answers, or when nobody serves the slot. */
  async primaryOf(slot: number): Promise<ClusterNode> {
    this.#primaries.want(slot);
    await this.#ask();
    const primary = this.#primaries.of(slot);
    if (primary === undefined) throw new Error(`no node of the cluster serves slot ${slot}`);
    return primary;
  }

  /** Cuts the stream once the slot has another primary than the node it leads to. */
  follow(slot: number, { id }: ClusterNode, stream: Socket): void {
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

  /** Asks some of the nodes, others each time, until one has answered. */
  async #askSome(): Promise<void> {
    const nodes = this.#nodes;
    let failure: unknown;
    for (let asked = 0; asked < nodes.length; asked += askedAtOnce) {
      const some = Array.from({ length: Math.min(askedAtOnce, nodes.length - asked) }, () => nodes[this.#turn++ % nodes.length]);
      try {
        await Promise.any(some.map((node) => node && this.#askOne(node)));
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
      this.#learn(parseClusterNodes(String(await client.cluster("NODES")), { host, port }));
    } finally {
      end(client);
    }
  }

  #learn(nodes: readonly ClusterNode[]): void {
    if (this.#closed) return;
    this.#primaries.learn(nodes);
    const addresses = [...nodes, ...this.#options.seeds].map(({ host, port }) => [`${host}:${port}`, { host, port }] as const);
    this.#nodes = [...new Map(addresses).values()];
    for (const follower of this.#followers) this.#cut(follower);
  }

  #cut({ slot, id, stream }: Follower): void {
    const primary = this.#primaries.of(slot);
    if (primary === undefined || primary.id === id || stream.destroyed) return;
    this.#options.log.info({ slot, host: primary.host, port: primary.port }, "a slot has moved");
    stream.destroy();
  }
}

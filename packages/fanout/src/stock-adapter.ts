import type { PubSub } from "@fanfare/domain";
import { createShardedAdapter } from "@socket.io/redis-adapter";
import type { Namespace } from "socket.io";
import type { Adapter } from "socket.io-adapter";
import { FewSet } from "./few-set.ts";
import { type ForeignBroadcast, parseForeign } from "./foreign.ts";
import type { TopicInterest } from "./topic-interest.ts";

type Handler = (message: Buffer, topic: string) => void;

/**
 * The stock sharded Redis adapter over our {@link PubSub}.
 *
 * The adapter is given, in place of two Redis clients, an object with the five methods it calls (the shape of node-redis,
 * which it tells by `sSubscribe`). So it never sees a connection: no rejection of its escapes (it catches none), no
 * malformed message reaches its handlers uncaught, and the same adapter runs in one process without Redis.
 */
export class StockAdapter {
  readonly #handlers = new Map<string, Handler>();
  readonly #interest: TopicInterest;
  readonly #pubSub: PubSub;
  readonly #cluster: string;

  constructor(pubSub: PubSub, interest: TopicInterest, cluster: string) {
    this.#pubSub = pubSub;
    this.#interest = interest;
    this.#cluster = cluster;
  }

  /** For `new Server({ adapter })`, which calls it with `new`: an arrow function would not do. */
  create(): (namespace: Namespace) => Adapter {
    const open = (namespace: Namespace): Adapter => this.#open(namespace);
    return function adapter(namespace) {
      return open(namespace);
    };
  }

  #open(namespace: Namespace): Adapter {
    const client = {
      sSubscribe: (topic: string, handler: Handler): void => {
        if (!this.#handlers.has(topic)) this.#interest.acquire(topic).catch(() => undefined);
        this.#handlers.set(topic, handler);
      },
      sUnsubscribe: (topic: string): void => {
        if (this.#handlers.delete(topic)) this.#interest.release(topic);
      },
      // The adapter waits for the outcome before it delivers locally, and logs a failure at its debug level.
      sPublish: (topic: string, message: string | Buffer): Promise<void> =>
        this.#pubSub.publish(topic, typeof message === "string" ? Buffer.from(message) : message),
      /** Only ever `PUBSUB SHARDNUMSUB <topic>`; answers the flat pair that Redis does. */
      sendCommand: async ([, , topic = ""]: string[]): Promise<[string, number]> => [
        topic,
        await this.#pubSub.subscribers(topic),
      ],
    };
    const settings = { channelPrefix: this.#cluster, subscriptionMode: "dynamic" } as const;
    return keepFew(createShardedAdapter(client, client, settings)(namespace));
  }

  /** Has the stock adapter deliver what a stock node or emitter said. Undefined for what is not a broadcast. */
  hear(topic: string, message: Uint8Array): ForeignBroadcast | undefined {
    const handler = this.#handlers.get(topic);
    const bytes = Buffer.isBuffer(message) ? message : Buffer.from(message);
    const foreign = handler === undefined ? undefined : parseForeign(bytes);
    if (handler === undefined || foreign === undefined) return undefined;
    try {
      handler(bytes, topic);
      return foreign;
    } catch {
      return undefined;
    }
  }
}

/** Has an adapter keep what each socket is alone with, its list of rooms and its own room, in sets that are made for few. */
function keepFew(adapter: Adapter): Adapter {
  const { addAll, rooms, sids } = adapter;
  const none = (): Set<string> => new FewSet<string>() as unknown as Set<string>;
  adapter.addAll = (id, added) => {
    if (!sids.has(id)) sids.set(id, none());
    if (added.has(id) && !rooms.has(id)) {
      rooms.set(id, none());
      adapter.emit("create-room", id);
    }
    return addAll.call(adapter, id, added);
  };
  return adapter;
}

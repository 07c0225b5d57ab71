import {
  announcementPieces,
  announcementText,
  type Broker,
  type Channel,
  type Clock,
  type Link,
  type Publication,
  type PubSub,
  partitionOf,
  roomOf,
  type Seq,
  topicOfRoom,
} from "@fanfare/domain";
import type { Namespace, Server, Socket } from "socket.io";
import { Adapter } from "socket.io-adapter";
import { Fanout, type FanoutObserver } from "../src/index.ts";

/*
 * A cluster in one process and without a clock: a model of the broker, links that deliver when they are told to, and as many
 * real Fanouts as nodes. Sockets are the few members of a Socket.IO socket that a Fanout touches.
 */

const cluster = "test";
export const retention = { count: 1_000, seconds: 600 };

/** Short waits end in the next turn of the event loop, long ones (canaries, idle checks) never. */
export const clock: Clock = {
  now: () => 0,
  monotonic: () => 0,
  after(ms, task) {
    if (ms >= 1_000) return () => undefined;
    const timer = setImmediate(task);
    return () => clearImmediate(timer);
  },
};

/** Who counts nothing. */
export const observer: FanoutObserver = {
  announcement() {},
  delivered() {},
  replayed() {},
  repaired() {},
  reset() {},
  flushed() {},
  slow() {},
  canary() {},
  withheld() {},
};

export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

interface Log {
  epoch: string;
  top: number;
  seq: Seq;
  first: number;
  entries: Publication[];
}

export class ModelBroker implements Broker {
  readonly partitions: number;
  readonly logs = new Map<Channel, Log>();
  readonly links: ModelLink[] = [];
  away = false;
  /** What the rules say: whether channels keep a log. */
  keeps = true;
  #seqs: Seq[];
  #epochs = 0;

  constructor(partitions = 1) {
    this.partitions = partitions;
    this.#seqs = Array.from({ length: partitions }, () => 0);
  }

  log(channel: Channel): Log {
    const log = this.logs.get(channel) ?? { epoch: `e${++this.#epochs}`, top: 0, seq: 0, first: 1, entries: [] };
    this.logs.set(channel, log);
    return log;
  }

  trim(channel: Channel): void {
    const log = this.log(channel);
    log.entries = log.entries.slice(Math.ceil(log.entries.length / 2));
    log.first = log.top + 1 - log.entries.length;
  }

  /** What a time to live does to the older half of what is left. */
  expire(channel: Channel): void {
    const log = this.log(channel);
    const half = Math.ceil(log.entries.length / 2);
    log.entries = log.entries.map((entry, index) => (index < half ? { ...entry, expired: true } : entry));
  }

  forget(channel: Channel): void {
    this.logs.delete(channel);
  }

  /** What a failover to a lagging replica does. */
  rollBack(channel: Channel): void {
    const log = this.log(channel);
    log.entries.pop();
    log.top = Math.max(log.first - 1, log.top - 1);
    log.seq = log.entries.at(-1)?.seq ?? 0;
  }

  publishNow(draft: Parameters<Broker["publish"]>[0], keep: boolean): Publication {
    const log = this.log(draft.channel);
    const partition = partitionOf(draft.channel, this.partitions);
    const seq = (this.#seqs[partition] ?? 0) + 1;
    this.#seqs[partition] = seq;
    const publication = { ...draft, epoch: log.epoch, offset: log.top + 1, seq, previous: log.seq };
    log.top = publication.offset;
    log.seq = seq;
    if (keep) log.entries.push(publication);
    else {
      log.entries = [];
      log.first = log.top + 1;
    }
    const room = roomOf(draft.channel, partition);
    const message = Buffer.from(announcementText(announcementPieces(draft, room, keep), publication));
    for (const link of this.links) link.carry(topicOfRoom(cluster, room), message);
    return publication;
  }

  publish: Broker["publish"] = (draft, retain) =>
    this.#answer(() => {
      const { epoch, offset } = this.publishNow(draft, retain.count > 0);
      return { kind: "stored", position: { epoch, offset } };
    });

  publishEach: Broker["publishEach"] = (items) => Promise.all(items.map(({ draft, retain }) => this.publish(draft, retain)));

  publishAll: Broker["publishAll"] = (items) =>
    this.#answer(() => {
      const stored = items.map(({ draft, retain }) => this.publishNow(draft, retain.count > 0));
      return { kind: "stored", outcomes: stored.map(({ epoch, offset }) => ({ kind: "stored", position: { epoch, offset } })) };
    });

  frontier: Broker["frontier"] = (partition) => this.#answer(() => this.#seqs[partition] ?? 0);

  open: Broker["open"] = (channels) => this.#answer(() => channels.map((channel) => ({ channel, ...this.#top(channel) })));

  read: Broker["read"] = (channel, range) =>
    this.#answer(() => {
      const { first, entries } = this.log(channel);
      const wanted = entries.filter(({ offset, seq }) =>
        range.from === "after" ? offset > range.offset : range.from === "afterSeq" ? seq > range.seq : false,
      );
      const publications = wanted.slice(0, range.limit);
      const payloadBytes = publications.reduce((sum, { payload }) => sum + payload.json.length, 0);
      return { top: this.#top(channel), first, publications, payloadBytes };
    });

  renew: Broker["renew"] = (channel, epoch) =>
    this.#answer(() => {
      if (this.log(channel).epoch === epoch) this.forget(channel);
      return { channel, ...this.#top(channel) };
    });

  describe: Broker["describe"] = async () => undefined;
  purge: Broker["purge"] = async () => 0;
  ping = async (): Promise<void> => undefined;
  close = async (): Promise<void> => undefined;

  #top(channel: Channel) {
    const { epoch, top, seq } = this.log(channel);
    return { epoch, offset: top, seq };
  }

  async #answer<Value>(value: () => Value): Promise<Value> {
    await turn();
    if (this.away) throw new Error("away");
    return value();
  }
}

/** One node's connection to the topics: what it carries waits until it is flushed, and is lost when the link breaks. */
export class ModelLink implements PubSub {
  readonly #partitions: number;
  readonly #topics = new Set<string>();
  #wire: [string, Uint8Array][] = [];
  #up = true;
  #listener: (topic: string, message: Uint8Array) => void = () => undefined;
  #onLink: (link: Link, partition: number) => void = () => undefined;

  constructor(partitions: number) {
    this.#partitions = partitions;
  }

  carry(topic: string, message: Uint8Array): void {
    if (this.#up && this.#topics.has(topic)) this.#wire.push([topic, message]);
  }

  flush(): void {
    for (const [topic, message] of this.#wire.splice(0)) this.#listener(topic, message);
  }

  lose(): void {
    this.#wire.shift();
  }

  repeat(): void {
    const [next] = this.#wire;
    if (next !== undefined) this.#wire.push(next);
  }

  set(link: Link): void {
    this.#up = link === "up";
    if (!this.#up) this.#wire = [];
    for (let partition = 0; partition < this.#partitions; partition++) this.#onLink(link, partition);
  }

  async subscribe(topic: string): Promise<void> {
    this.#topics.add(topic);
  }

  unsubscribe(topic: string): void {
    this.#topics.delete(topic);
  }

  publish = async (): Promise<void> => undefined;
  subscribers = async (): Promise<number> => 1;

  onMessage(listener: (topic: string, message: Uint8Array) => void): void {
    this.#listener = listener;
  }

  onLink(listener: (link: Link, partition: number) => void): void {
    this.#onLink = listener;
  }

  close = async (): Promise<void> => undefined;
}

/** What a client heard: a publication, or that it must reload. */
export type Heard = { channel: Channel; epoch: string; offset: number } | { channel: Channel; reset: string };

/** A stock client, as far as recovery goes: it keeps the last trailing string of all that it hears. */
export class ModelClient {
  readonly heard: Heard[] = [];
  bookmark: string | undefined;
  socket: Socket | undefined;
  /** While it does not read, what it is sent waits on the node. */
  reads = true;

  receive(packet: string): void {
    const [event, ...args] = JSON.parse(packet.slice(1)) as [string, ...unknown[]];
    const last = args.at(-1);
    if (typeof last === "string") this.bookmark = last;
    if (event === "fanfare:reset") {
      const { channel, reason } = args[0] as { channel: Channel; reason: string };
      this.heard.push({ channel, reset: reason });
    } else {
      const { channel, epoch, offset } = args[1] as { channel: Channel; epoch: string; offset: number };
      this.heard.push({ channel, epoch, offset });
    }
  }
}

/** What a Fanout sees of a connection of Engine.IO's, over polling: everything waits in its queue until the client reads. */
class ModelConnection {
  readonly transport = { name: "polling", supportsBinary: true };
  readyState = "open";
  writeBuffer: { type: string; data: string }[] = [];
  readonly #client: ModelClient;

  constructor(client: ModelClient) {
    this.#client = client;
  }

  write(data: string): void {
    this.sendPacket("message", data);
  }

  sendPacket(type: string, data: string): void {
    if (this.readyState !== "open") return;
    this.writeBuffer.push({ type, data });
    this.flush();
  }

  flush(): void {
    if (!this.#client.reads || this.readyState === "closed") return;
    const sent = this.writeBuffer;
    this.writeBuffer = [];
    for (const { data } of sent) this.#client.receive(data);
  }

  close(): void {
    this.readyState = "closed";
  }

  beginClosing(): void {
    this.readyState = "closing";
  }

  once(): void {}
}

export interface SlowWorld {
  readonly bufferBytesMax: number;
  /** Everything is published with a receipt. */
  readonly receipts?: true;
  slow(channel: Channel): "disconnect" | "latest" | "catchup";
}

export class ModelNode {
  readonly link: ModelLink;
  readonly fanout: Fanout;
  readonly #slowWorld: SlowWorld | undefined;
  readonly #adapter: Adapter;
  readonly #sockets = new Map<string, Socket>();

  /** With a {@link SlowWorld}, clients have connections that fill up. */
  constructor(broker: ModelBroker, name: string, slowWorld?: SlowWorld) {
    this.#slowWorld = slowWorld;
    this.link = new ModelLink(broker.partitions);
    broker.links.push(this.link);
    this.fanout = new Fanout({
      broker,
      pubSub: this.link,
      cluster,
      node: name,
      bookmarks: true,
      clock,
      retention: () => (broker.keeps ? retention : { ...retention, count: 0 }),
      slow: (channel) => slowWorld?.slow(channel) ?? "disconnect",
      bufferBytesMax: slowWorld?.bufferBytesMax ?? 1_048_576,
      flushMsMax: 5,
      observer,
    });
    this.#adapter = new Adapter({ server: { encoder: undefined } });
    const namespace = { adapter: this.#adapter, sockets: this.#sockets } as unknown as Namespace;
    this.fanout.attach({ of: () => namespace } as unknown as Server);
    this.link.set("up");
  }

  connect(client: ModelClient, id: string): Socket {
    const adapter = this.#adapter;
    const socket = {
      id,
      connected: true,
      get rooms() {
        return adapter.socketRooms(id) ?? new Set();
      },
      join: (room: string) => adapter.addAll(id, new Set([room])),
      leave: (room: string) => adapter.del(id, room),
      client: {
        writeToEngine: ([packet = ""]: string[]) => {
          // After the connection is gone nothing arrives.
          if (client.socket === (socket as unknown)) client.receive(packet);
        },
      },
    } as unknown as Socket;
    if (this.#slowWorld !== undefined) Object.assign(socket, { conn: new ModelConnection(client) });
    this.#sockets.set(id, socket);
    // As Socket.IO does: a socket is first of all in a room of its own.
    adapter.addAll(id, new Set([id]));
    client.socket = socket;
    return socket;
  }

  /** The client reads again: it gets what has waited. */
  drain(client: ModelClient): void {
    (client.socket?.conn as unknown as ModelConnection | undefined)?.flush();
  }

  /** What it was sent still goes out, and nothing else; nobody is told of that before {@link disconnect}. */
  beginClosing(client: ModelClient): void {
    (client.socket?.conn as unknown as ModelConnection | undefined)?.beginClosing();
  }

  disconnect(client: ModelClient): void {
    const { socket } = client;
    if (socket === undefined) return;
    (socket.conn as { close(): void } | undefined)?.close();
    client.socket = undefined;
    Object.assign(socket, { connected: false });
    this.#adapter.delAll(socket.id);
    this.#sockets.delete(socket.id);
  }
}

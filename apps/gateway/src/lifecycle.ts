import { randomBytes } from "node:crypto";
import {
  type Channel,
  type Clock,
  type ConnectionRecord,
  channelOfRoom,
  type LifecycleDraft,
  type LifecycleLog,
  type LifecycleType,
  type Registry,
} from "@fanfare/domain";
import type { Log, Metrics } from "@fanfare/telemetry";
import type { DisconnectReason, Namespace } from "socket.io";
import { type ClientSocket, identityOf } from "./session.ts";

/** How often events are written. */
const periodMs = 250;
/** Between two tries while the broker is away. */
const retryMs = 1_000;
/** Events of one batch, so that the broker is never busy with it for more than a millisecond or two. */
const batchMax = 200;
/** Events that wait to be written. The oldest of more are given up: while the broker is away for long, somebody has to be. */
const waitingMax = 20_000;
/** How long a channel has to be empty or not before it is said: longer than the registry takes to hear of it. */
const settleMs = 1_500;
/** And again, when the registry still had somebody who may have left since. */
const settleAgainMs = 5_000;
/** Channels looked up in one period. */
const settledMax = 200;

/** Which events a node writes: those of connections, subscriptions and nodes; without subscriptions; of nodes; none. */
export type EventsLevel = "all" | "connections" | "nodes" | "off";

export interface LifecycleWriterParts {
  readonly lifecycle: LifecycleLog;
  readonly registry: Pick<Registry, "subscribers">;
  readonly level: EventsLevel;
  readonly node: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Pick<Metrics, "lifecycleEvents" | "lifecycleDropped">;
}

interface Waiting {
  readonly draft: LifecycleDraft;
  /** Of whom it is told only if they are still here: a disconnect ends all subscriptions by itself. */
  readonly unlessOver?: ClientSocket | undefined;
}

interface Batch {
  readonly name: string;
  readonly drafts: readonly LifecycleDraft[];
}

/**
 * Tells the cluster's log what happens on this node. Whatever happens only adds to a list; the list is written four times a
 * second, so the cost is that of connections and subscriptions and never that of deliveries.
 */
export class LifecycleWriter {
  readonly #parts: LifecycleWriterParts;
  /** Of this life of the node: names of batches start anew with it. */
  readonly #writer: string;
  #waiting: Waiting[] = [];
  #batch: Batch | undefined;
  #batches = 0;
  readonly #over = new WeakSet<ClientSocket>();
  /** Channels that have come or gone here → when to look, and whether for the second time. In the order of their times. */
  readonly #unsettled = new Map<Channel, { readonly dueMs: number; readonly again: boolean }>();
  #isHere: (channel: Channel) => boolean = () => false;
  #broken = false;
  #ended = false;
  #callOff = (): void => undefined;
  #round: Promise<void> = Promise.resolve();

  constructor(parts: LifecycleWriterParts) {
    this.#parts = parts;
    this.#writer = `${parts.node}.${randomBytes(6).toString("base64url")}`;
  }

  /** Listens to a namespace from now on. */
  attach(namespace: Namespace, roomOf: (channel: Channel) => string): void {
    const { level } = this.#parts;
    if (level === "off") return;
    if (level !== "nodes") namespace.on("connection", (socket: ClientSocket) => this.#connected(socket));
    if (level === "all") this.#watchRooms(namespace, roomOf);
    this.#schedule(periodMs);
  }

  node(type: Extract<LifecycleType, `node_${string}`>, node = this.#parts.node, reason?: string): void {
    this.#add({ type, at: this.#parts.clock.now(), node, ...(reason === undefined ? {} : { reason }) });
  }

  /** Told of every connection that has ended. */
  over(socket: ClientSocket, reason: DisconnectReason): void {
    this.#over.add(socket);
    if (!this.#tellsConnections) return;
    const { node, clock } = this.#parts;
    this.#add({ type: "disconnected", at: clock.now(), node, connection: socket.id, user: userOf(socket), reason });
  }

  /** Connections of nodes that are gone, which nobody else tells of. */
  lost(connections: readonly ConnectionRecord[]): void {
    if (!this.#tellsConnections) return;
    const at = this.#parts.clock.now();
    for (const { id, user, node, channels } of connections) {
      this.#add({ type: "disconnected", at, node, connection: id, user, reason: "node_lost" });
      if (this.#parts.level === "all") for (const channel of channels) this.#unsettle(channel);
    }
  }

  /** Writes what is left. Never rejects. */
  async end(): Promise<void> {
    this.#ended = true;
    this.#callOff();
    await this.#round;
    if (this.#parts.level !== "off") await this.#write().catch(() => undefined);
  }

  get #tellsConnections(): boolean {
    return this.#parts.level === "all" || this.#parts.level === "connections";
  }

  #connected(socket: ClientSocket): void {
    const { node, clock } = this.#parts;
    const { id: connection, recovered } = socket;
    const transport = socket.conn.transport.name;
    this.#add({ type: "connected", at: clock.now(), node, connection, user: userOf(socket), transport, recovered });
  }

  #watchRooms({ adapter, sockets }: Namespace, roomOf: (channel: Channel) => string): void {
    this.#isHere = (channel) => adapter.rooms.has(roomOf(channel));
    const { node, clock } = this.#parts;
    const subscription = (type: "subscribed" | "unsubscribed") => (room: string, connection: string) => {
      const channel = channelOfRoom(room);
      const socket = sockets.get(connection) as ClientSocket | undefined;
      if (channel === undefined || socket === undefined) return;
      const draft = { type, at: clock.now(), node, connection, user: userOf(socket), channel };
      this.#add(draft, type === "unsubscribed" ? socket : undefined);
    };
    const changed = (room: string): void => {
      const channel = channelOfRoom(room);
      if (channel !== undefined) this.#unsettle(channel);
    };
    adapter.on("join-room", subscription("subscribed"));
    adapter.on("leave-room", subscription("unsubscribed"));
    adapter.on("create-room", changed);
    adapter.on("delete-room", changed);
  }

  #add(draft: LifecycleDraft, unlessOver?: ClientSocket): void {
    const { level, metrics } = this.#parts;
    if (level === "off") return;
    this.#waiting.push({ draft, unlessOver });
    // In one go and not one by one, which would move the whole list each time.
    if (this.#waiting.length <= 1.1 * waitingMax) return;
    metrics.lifecycleDropped.inc(this.#waiting.length - waitingMax);
    this.#waiting = this.#waiting.slice(-waitingMax);
  }

  /** Looked at later, and then once: channels that come and go all the time are not told of. */
  #unsettle(channel: Channel): void {
    // Again at the end, so that the first is always the next that is due.
    this.#unsettled.delete(channel);
    this.#unsettled.set(channel, { dueMs: this.#parts.clock.monotonic() + settleMs, again: false });
  }

  #schedule(ms: number): void {
    if (this.#ended) return;
    this.#callOff = this.#parts.clock.after(ms, () => {
      this.#round = this.#settle()
        .then(() => this.#write())
        .then(
          () => this.#wrote(),
          (err) => this.#failed(err),
        );
    });
  }

  #wrote(): void {
    if (this.#broken) this.#parts.log.info("events written again");
    this.#broken = false;
    this.#schedule(periodMs);
  }

  #failed(err: unknown): void {
    if (!this.#broken) this.#parts.log.warn({ err }, "events not written");
    this.#broken = true;
    this.#schedule(retryMs);
  }

  async #write(): Promise<void> {
    const { lifecycle, metrics } = this.#parts;
    for (;;) {
      // One whose outcome is unknown comes again under its name, before any other.
      this.#batch ??= this.#nextBatch();
      if (this.#batch === undefined) return;
      const { name, drafts } = this.#batch;
      await lifecycle.append(this.#writer, name, drafts);
      this.#batch = undefined;
      for (const { type } of drafts) metrics.lifecycleEvents.inc({ type });
    }
  }

  #nextBatch(): Batch | undefined {
    const drafts = this.#waiting
      .splice(0, batchMax)
      .flatMap(({ draft, unlessOver }) => (unlessOver !== undefined && this.#over.has(unlessOver) ? [] : draft));
    if (drafts.length > 0) return { name: String(++this.#batches), drafts };
    return this.#waiting.length === 0 ? undefined : this.#nextBatch();
  }

  /** Looks at what channels have come to. */
  async #settle(): Promise<void> {
    const { clock, registry, node } = this.#parts;
    const due = [...this.#due(clock.monotonic())];
    const at = clock.now();
    await Promise.all(
      due.map(async ([channel, again]) => {
        if (this.#isHere(channel)) this.#add({ type: "channel_occupied", at, node, channel });
        else if ((await registry.subscribers(channel)) === 0) this.#add({ type: "channel_vacated", at, node, channel });
        // Somebody is there: on a node that will look by itself, or here until a moment ago, as far as the registry knows.
        else if (!again) this.#unsettled.set(channel, { dueMs: clock.monotonic() + settleAgainMs, again: true });
      }),
    ).catch((thrown) => {
      for (const [channel, again] of due) this.#unsettled.set(channel, { dueMs: clock.monotonic() + settleMs, again });
      throw thrown;
    });
  }

  *#due(nowMs: number): Generator<readonly [Channel, boolean]> {
    let taken = 0;
    for (const [channel, { dueMs, again }] of this.#unsettled) {
      // Those that are looked at for the second time stand among the others with a later time.
      if (dueMs > nowMs) {
        if (again) continue;
        return;
      }
      if (taken++ === settledMax) return;
      this.#unsettled.delete(channel);
      yield [channel, again];
    }
  }
}

function userOf(socket: ClientSocket): string | null {
  return identityOf(socket).user ?? null;
}

import type { Channel, Clock, Position, Seq } from "@fanfare/domain";
import type { Namespace, Socket } from "socket.io";
import type { ChannelState } from "./channel-state.ts";
import { CompressedFrames } from "./compressed-frames.ts";
import { DirectWrites } from "./direct-writes.ts";
import type { EncodedEvent } from "./encoded-event.ts";
import { connectionOf } from "./engine-connection.ts";
import { Hold } from "./hold.ts";
import { eventOf, type Item } from "./item.ts";
import { deliverToSocket } from "./local-delivery.ts";
import type { FanoutObserver } from "./observer.ts";
import { Rounds } from "./rounds.ts";
import type { Sequence } from "./sequence.ts";
import type { SlowRule } from "./slow-rule.ts";
import { Writer, type WriterHost } from "./writer.ts";

/** Between two looks at the connections that are behind. */
const sweepMs = 100;
/** With less than this share of what it may have unsent, a connection has drained. */
const drainedShare = 1 / 8;

export interface WritersParts {
  readonly clock: Clock;
  readonly observer: FanoutObserver;
  readonly bufferBytesMax: number;
  readonly flushMsMax: number;
  slow(channel: Channel): SlowRule;
  /** Per partition, up to where every session here that is not held back has been sent everything. */
  seqs(): readonly Seq[];
  /** Where this node stands in every channel of a socket. */
  places(socket: Socket): Iterable<readonly [Channel, Position]>;
  /** Called when a round of writing begins: what was collected up to now will have been written when it ends. */
  flushing(): void;
  /** Called when it has ended. */
  flushed(): void;
  /** Closes a connection that is too slow. Called in a turn of its own. */
  close(socket: Socket): void;
  /** Gives a connection that has drained what was held back, or a part of it. Called in a turn of its own. */
  refill(writer: Writer, hold: Hold): Promise<void>;
}

/** All connections of this node that may hear something: collects for them, flushes them, and watches the slow ones. */
export class Writers implements WriterHost {
  readonly direct = DirectWrites.find();
  readonly #parts: WritersParts;
  readonly #rounds: Rounds;
  readonly #byId = new Map<string, Writer>();
  readonly #behind = new Set<Writer>();
  readonly #refilling = new Set<Writer>();
  #stopSweep: (() => void) | undefined;
  #closed = false;

  constructor(parts: WritersParts) {
    this.#parts = parts;
    this.#rounds = new Rounds({
      clock: parts.clock,
      flushMsMax: parts.flushMsMax,
      begun: () => parts.flushing(),
      ended: (connections) => {
        parts.observer.flushed(connections);
        parts.flushed();
      },
    });
  }

  get start(): Sequence {
    return this.#rounds.start;
  }

  get bufferBytesMax(): number {
    return this.#parts.bufferBytesMax;
  }

  /** Whether something was collected that is about to be written. */
  get flushDue(): boolean {
    return this.#rounds.due;
  }

  /** How many connections are held back at the moment. */
  get held(): number {
    let count = 0;
    for (const writer of this.#behind) if (writer.hold !== undefined) count++;
    return count;
  }

  /** Begins to write to a socket that has connected. Undefined for what has no connection of Engine.IO's. */
  open(socket: Socket | undefined): void {
    const connection = socket === undefined ? undefined : connectionOf(socket);
    if (socket !== undefined && connection !== undefined) this.#byId.set(socket.id, new Writer(socket, connection, this));
  }

  of(id: string): Writer | undefined {
    return this.#byId.get(id);
  }

  /** The socket has left, or another one goes on under its id. */
  forget(id: string): void {
    const writer = this.#byId.get(id);
    if (writer === undefined) return;
    this.#byId.delete(id);
    this.#behind.delete(writer);
  }

  /** Delivers a publication to the channel's members here. Answers to how many. */
  deliver(namespace: Namespace, state: ChannelState, item: Item, encoded: EncodedEvent): number {
    const { members } = state;
    const { except } = item;
    const shared = members.size > 1;
    const frames = new CompressedFrames(encoded.frame);
    this.#rounds.published();
    let count = 0;
    for (const [id, writer] of members) {
      if (except.length > 0 && except.includes(id)) continue;
      if (writer === undefined) deliverTo(namespace, id, encoded);
      else if (writer.plain && !encoded.binary) writer.collect(frames.of(writer.windowBits), shared);
      else if (!this.#sendSlowly(writer, state, item, encoded)) continue;
      count++;
    }
    return count;
  }

  /** Sends to one socket what is not a publication of the moment. `asked`: its client has asked for it. */
  send(socket: Socket, encoded: EncodedEvent, asked = false): void {
    const writer = this.of(socket.id);
    if (writer === undefined || writer.socket !== socket) deliverToSocket(socket, encoded);
    else writer.send(encoded, asked);
  }

  collected(writer: Writer): void {
    this.#rounds.add(writer);
  }

  fullNow(writer: Writer): void {
    writer.full = true;
    this.#watch(writer);
  }

  overflowed(writer: Writer): void {
    if (writer.doomed) return;
    writer.doomed = true;
    // From now on it misses publications, and no bookmark that it may still be sent can claim them.
    writer.hold ??= new Hold(this.#parts.seqs(), []);
    this.#parts.observer.slow("disconnected");
    // Not in this turn: somebody is just writing to it, or going through the channel's members.
    setImmediate(() => this.#parts.close(writer.socket));
  }

  close(): void {
    this.#closed = true;
    this.#rounds.finish();
    this.#stopSweep?.();
  }

  /** For connections that need a second thought. False when the publication was not sent. */
  #sendSlowly(writer: Writer, state: ChannelState, item: Item, encoded: EncodedEvent): boolean {
    if (writer.doomed) return false;
    const rule = this.#parts.slow(state.channel);
    const keeps = !state.logged && rule === "latest";
    const held = writer.hold;
    // Without a log there is nothing to catch up from.
    if (held === undefined ? !writer.full || rule === "disconnect" || !(state.logged || keeps) : !(state.logged || keeps)) {
      writer.send(encoded, false);
      return true;
    }
    const hold = held ?? this.#hold(writer, state, item);
    if (keeps) hold.keep(`${state.channel} ${eventOf(item)}`, encoded);
    else if (rule === "disconnect") hold.countedBytes += encoded.frame.length;
    this.#parts.observer.withheld(rule);
    if (writer.unsentBytes + hold.countedBytes > writer.allowedBytes) this.overflowed(writer);
    return false;
  }

  #hold(writer: Writer, { channel, partition }: ChannelState, { epoch, offset, seq }: Item): Hold {
    const hold = new Hold(this.#parts.seqs(), this.#parts.places(writer.socket));
    // The node has come as far as this publication, and it is not sent any more.
    hold.seqs[partition] = seq - 1;
    hold.owed.set(channel, { epoch, offset: offset - 1 });
    writer.hold = hold;
    this.#parts.observer.slow("held");
    this.#watch(writer);
    return hold;
  }

  #watch(writer: Writer): void {
    this.#behind.add(writer);
    if (this.#stopSweep === undefined && !this.#closed) {
      this.#stopSweep = this.#parts.clock.after(sweepMs, () => this.#sweep());
    }
  }

  #sweep(): void {
    this.#stopSweep = undefined;
    for (const writer of this.#behind) {
      if (writer.doomed || !writer.isOpen) this.#behind.delete(writer);
      else if (!this.#refilling.has(writer)) this.#look(writer);
    }
    if (this.#behind.size > 0 && !this.#closed) this.#stopSweep = this.#parts.clock.after(sweepMs, () => this.#sweep());
  }

  #look(writer: Writer): void {
    writer.measure();
    const keptBytes = writer.hold?.keptBytes ?? 0;
    if (writer.doomed || writer.unsentBytes - keptBytes > this.bufferBytesMax * drainedShare) return;
    writer.full = false;
    const { hold } = writer;
    if (hold === undefined) {
      this.#behind.delete(writer);
      return;
    }
    this.#refilling.add(writer);
    // The broker may be away: the next sweep tries again.
    const done = (): void => void this.#refilling.delete(writer);
    this.#parts.refill(writer, hold).then(done, done);
  }
}

/** To a socket that has no writer. */
function deliverTo(namespace: Namespace, id: string, encoded: EncodedEvent): void {
  const socket = namespace.sockets.get(id);
  if (socket !== undefined) deliverToSocket(socket, encoded);
}

import type { Socket as TcpSocket } from "node:net";
import type { Socket } from "socket.io";
import type { DirectWrites } from "./direct-writes.ts";
import type { EncodedEvent } from "./encoded-event.ts";
import { type EngineConnection, type EngineTransport, windowBitsOf, writerKey } from "./engine-connection.ts";
import type { Hold } from "./hold.ts";
import type { Sequence } from "./sequence.ts";

/** `WebSocket.OPEN`. */
const openState = 1;
/** `ws` writes at once what it is given; it queues behind a compression that is under way. */
const idleSender = 0;
/** Collected for one connection, this much is written without waiting for the flush. */
const collectedBytesMax = 65_536;
/** With less than this share of what a connection may have in Engine.IO's queue, a closer look is not worth it. */
const glanceShare = 1 / 4;
const nothing = Buffer.alloc(0);

/** What all writers of a node share. */
export interface WriterHost {
  /** Where every connection stands that was given nothing since it was last flushed. */
  readonly start: Sequence;
  readonly bufferBytesMax: number;
  /** Absent where sockets are only to be written to by their streams. */
  readonly direct?: DirectWrites | undefined;
  /** The writer has something to flush. */
  collected(writer: Writer): void;
  /** The connection has so much unsent that it should get no more than it must. */
  fullNow(writer: Writer): void;
  /** It has more unsent than a connection may have. */
  overflowed(writer: Writer): void;
}

type Websocket = NonNullable<EngineTransport["socket"]>;

/**
 * Writes to one connection, in between what Engine.IO writes to it.
 *
 * Publications for a websocket are collected and written once per flush, straight into its TCP socket, as long as nothing
 * waits in front of them in Engine.IO or `ws`; else they queue up there. Whatever Engine.IO sends by itself (answers, pings,
 * goodbyes) passes {@link beforePacket}, which writes first what was collected, so that the order of sending is the order
 * of arrival. Polling, and websockets for which Engine.IO may compress, get everything the stock way.
 */
export class Writer {
  readonly socket: Socket;
  /** Holds back what the connection cannot take, see {@link Hold}. */
  hold: Hold | undefined;
  /** Gets no more publications: it is about to be closed for being too slow. */
  doomed = false;
  /** More than half of what a connection may have is unsent. */
  full = false;
  /** What publications may be compressed with, see `CompressedFrames`. */
  windowBits = 0;
  readonly #connection: EngineConnection;
  readonly #host: WriterHost;
  #websocket: Websocket | undefined;
  #tcp: TcpSocket | undefined;
  /** Whether the TCP socket can be written to below its stream. */
  #direct = false;
  /** Written below the stream and not yet taken by the system. */
  #flyingBytes = 0;
  #sequence: Sequence | undefined;
  /** Characters and bytes in Engine.IO's queue. */
  #queuedBytes = 0;
  /** Unsent bytes of what the client has asked for: replays and answers do not count as being slow. */
  #askedBytes = 0;
  #live = false;

  constructor(socket: Socket, connection: EngineConnection, host: WriterHost) {
    this.socket = socket;
    this.#connection = connection;
    this.#host = host;
    connection[writerKey]?.flush();
    const known = writerKey in connection;
    connection[writerKey] = this;
    this.#useTransport();
    if (known) return;
    if (connection.transport.name === "polling") connection.once("upgrade", upgraded);
    connection.sendPacket = sendPacketInOrder;
    connection.close = closeFlushed;
  }

  get id(): string {
    return this.socket.id;
  }

  /** Whether there is nothing to think about: a publication is collected and that is all. */
  get plain(): boolean {
    return this.#tcp !== undefined && !this.full && this.hold === undefined && !this.doomed;
  }

  /** What the connection was sent and the system has not taken. */
  get unsentBytes(): number {
    return this.#waitingBytes + (this.hold?.keptBytes ?? 0);
  }

  get isOpen(): boolean {
    return this.#connection.readyState === "open";
  }

  get isClosed(): boolean {
    return this.#connection.readyState === "closed";
  }

  /** Whether the system has taken everything that the connection was sent. Never of one that takes nothing any more. */
  get isClear(): boolean {
    return this.#sequence === undefined && this.isTaken;
  }

  /** The same of what was sent before what is collected at the moment. */
  get isTaken(): boolean {
    return this.#writtenBytes === 0 && this.#takesWrites;
  }

  /**
   * Says later, also when the connection has ended by then, whether the system has taken what it was sent up to now. Never
   * too early; where sockets cannot be looked into, only once it has taken what was sent since, too. What goes by polling is
   * taken when it is put into the answer to a poll. On a connection that takes nothing any more it is in doubt whether
   * that was so before or after it was sent this: it says no.
   */
  witness(): () => boolean {
    this.flush();
    if (!this.#takesWrites) return () => false;
    const { writeBuffer, transport } = this.#connection;
    let taken = false;
    let watched = false;
    let dueBytes = Number.POSITIVE_INFINITY;
    const watch = (): void => {
      watched = true;
      if (this.#tcp === undefined || !this.#takesWrites) return;
      dueBytes = this.#takenBytes + this.#waitingBytes;
      // Done when all before it is, or a little later: a stream gives the system everything that waits at once.
      this.#tcp.write(nothing, (failure) => {
        taken ||= failure == null;
      });
    };
    if (writeBuffer.length === 0) watch();
    return () => {
      // What an ended connection had left is thrown away with it: it looks as if everything had been taken.
      if (taken || this.isClosed) return taken;
      // Engine.IO hands over everything at once, and begins a new queue.
      if (!watched && this.#connection.writeBuffer !== writeBuffer) {
        if (transport.name === "polling" && this.#connection.transport === transport) taken = true;
        else watch();
      }
      taken ||= this.isClear || this.#takenBytes >= dueBytes;
      return taken;
    };
  }

  /** What it may have unsent now: what was asked for comes on top. */
  get allowedBytes(): number {
    return this.#host.bufferBytesMax + this.#askedBytes;
  }

  /** Adds frames to what the next flush writes. `shared`: others are given the same. Only while {@link plain}. */
  collect(frame: Buffer, shared: boolean): void {
    const { start } = this.#host;
    const before = this.#sequence;
    if (before === undefined) this.#host.collected(this);
    const from = before ?? start;
    const sequence = shared ? from.next(frame) : from.alone(frame);
    this.#sequence = sequence;
    if (sequence.bytes >= collectedBytesMax) this.flush();
  }

  /** Sends by whatever way the connection takes. `asked`: the client has asked for it. */
  send(encoded: EncodedEvent, asked: boolean): void {
    if (asked) this.#expect(encoded.frame.length);
    if (this.#tcp !== undefined && (!encoded.binary || this.#connection.transport.supportsBinary)) {
      // What was asked for is given to nobody else.
      this.collect(encoded.frame, !asked);
      return;
    }
    this.#live = true;
    for (const packet of encoded.packets) this.#connection.write(packet, encoded.options);
    this.#live = false;
  }

  /** Writes what was collected. */
  flush(): void {
    const sequence = this.#sequence;
    if (sequence === undefined) return;
    this.#sequence = undefined;
    const connection = this.#connection;
    const websocket = this.#websocket;
    const tcp = this.#tcp;
    if (websocket === undefined || tcp === undefined) return;
    if (connection.readyState !== "open" || websocket.readyState !== openState) return;
    const bytes = sequence.joined;
    const sender = websocket._sender;
    if (connection.writeBuffer.length === 0 && sender?._state === idleSender && sender._queue.length === 0) {
      if (this.#direct && this.#flyingBytes === 0 && tcp.writableLength === 0) {
        const left = this.#host.direct?.write(tcp, bytes, this);
        if (left === 0) return;
        if (left !== undefined) {
          this.#flyingBytes = left;
          this.measure();
          return;
        }
      }
      if (!tcp.write(bytes)) this.measure();
      return;
    }
    // Engine.IO waits for the system to take what it wrote before: this goes behind what it has queued.
    this.#live = true;
    connection.write(bytes, { preEncoded: true, wsPreEncodedFrame: [bytes] });
    this.#live = false;
  }

  /** What was written below the stream has been taken. What was written since waited behind it. */
  landed(): void {
    this.#flyingBytes = 0;
  }

  /** Forgets what was collected: nobody reads there any more. */
  drop(): void {
    this.#sequence = undefined;
  }

  /** Compares what is unsent with what may be. */
  measure(): void {
    const unsent = this.unsentBytes;
    this.#askedBytes = Math.min(this.#askedBytes, unsent);
    if (unsent > this.allowedBytes) this.#host.overflowed(this);
    else if (!this.full && unsent > this.#host.bufferBytesMax / 2) this.#host.fullNow(this);
  }

  /** Called for every packet on its way into Engine.IO's queue, with the length of its data. */
  beforePacket(bytes: number): void {
    this.flush();
    if (this.#connection.writeBuffer.length === 0) this.#queuedBytes = 0;
    if (!this.#live) this.#expect(bytes);
    this.#queuedBytes += bytes;
    if (this.#queuedBytes > this.#host.bufferBytesMax * glanceShare || this.#flyingBytes > 0 || this.#tcp?.writableNeedDrain) {
      this.measure();
    }
  }

  /** Takes the transport of the moment; called again after an upgrade. */
  useTransport(): void {
    this.#useTransport();
  }

  /**
   * Whether what is sent goes anywhere. Between the first sign of its end (a goodbye to or from the client, a write that has
   * failed) and the event that tells of it, a connection throws away what it is sent, and nothing waits.
   */
  get #takesWrites(): boolean {
    if (!this.isOpen) return false;
    const websocket = this.#websocket;
    return websocket === undefined || (websocket.readyState === openState && websocket._socket?.writable === true);
  }

  get #waitingBytes(): number {
    return this.#writtenBytes + (this.#sequence?.bytes ?? 0);
  }

  /** Written, and not yet taken by the system. */
  get #writtenBytes(): number {
    const queued = this.#connection.writeBuffer.length === 0 ? 0 : this.#queuedBytes;
    return queued + this.#flyingBytes + (this.#websocket?.bufferedAmount ?? 0);
  }

  /** What the system has ever taken; no number where that cannot be seen. */
  get #takenBytes(): number {
    return (this.#direct && this.#tcp !== undefined ? this.#host.direct?.takenBytes(this.#tcp) : undefined) ?? Number.NaN;
  }

  #expect(bytes: number): void {
    if (this.unsentBytes <= this.#host.bufferBytesMax) this.#askedBytes += bytes;
  }

  #useTransport(): void {
    const { name, socket, perMessageDeflate } = this.#connection.transport;
    this.#websocket = name === "websocket" ? socket : undefined;
    const direct = this.#websocket !== undefined && !perMessageDeflate && this.#websocket._sender != null;
    this.#tcp = direct ? (this.#websocket?._socket ?? undefined) : undefined;
    this.windowBits = windowBitsOf(this.#websocket);
    this.#direct = this.#tcp !== undefined && (this.#host.direct?.reach(this.#tcp) ?? false);
  }
}

/*
 * What all connections share: a closure, or a list of listeners, for each of them would be memory for each.
 */

/** Engine.IO's `sendPacket`, by which everything goes that it sends. */
function sendPacketInOrder(this: EngineConnection, ...packet: Parameters<EngineConnection["sendPacket"]>): void {
  this[writerKey]?.beforePacket(packet[1]?.length ?? 0);
  (Object.getPrototypeOf(this) as EngineConnection).sendPacket.apply(this, packet);
}

function upgraded(this: EngineConnection): void {
  this[writerKey]?.useTransport();
}

/** Engine.IO's `close`, which sends what is in its own queue first, and therefore has to have what was collected. */
function closeFlushed(this: EngineConnection, discard?: boolean): void {
  if (discard) this[writerKey]?.drop();
  else this[writerKey]?.flush();
  (Object.getPrototypeOf(this) as EngineConnection).close.call(this, discard);
}

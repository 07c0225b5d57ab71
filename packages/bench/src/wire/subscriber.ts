import { connect, type Socket } from "node:net";
import { clientFrame, readFrames } from "./frames.ts";
import { type ListenTarget, marker, numberAt, startsWith } from "./listening.ts";

/** What all subscribers of a process have received together. */
export interface Tally {
  deliveries: number;
  /** Chunks that held at least a piece of a publication. */
  reads: number;
  /** Called after each chunk. */
  onRead: () => void;
  /** Called for publications to a subscriber that is a sample, with the time it was made. */
  onSample: (atMicros: number) => void;
}

const engineMessage = { open: 0x30, ping: 0x32, message: 0x34 } as const;
const connected = Buffer.from("40");
const subscribed = Buffer.from('430[{"ok":true');
const refused = Buffer.from("430[");
const pong = clientFrame("3");

/**
 * One websocket that listens. It speaks just enough WebSocket, Engine.IO and Socket.IO to subscribe, stay and count, on a
 * plain socket that reads into a buffer which all share: a stock client costs several times what the server pays for a
 * delivery, and would be what is measured.
 */
export class Subscriber {
  /**
   * Publications received, and the sum of their numbers: together they show a loss and a double. `order` is a hash of the
   * numbers in their order: equal for all who heard the same order.
   */
  received = { count: 0, sum: 0, order: 0 };
  readonly #target: ListenTarget;
  readonly #tally: Tally;
  readonly #sample: boolean;
  readonly #marker: Buffer;
  #socket: Socket | undefined;
  #upgraded = false;
  #rest: Buffer | undefined;
  #ready: { resolve(): void; reject(reason: Error): void } | undefined;

  constructor(target: ListenTarget, tally: Tally, sample: boolean) {
    this.#target = target;
    this.#tally = tally;
    this.#sample = sample;
    this.#marker = marker[target.protocol];
  }

  /** Resolves when it is subscribed. */
  open(shared: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#ready = { resolve, reject };
      const { port, protocol } = this.#target;
      const path = protocol === "plain" ? "/" : "/socket.io/?EIO=4&transport=websocket";
      const onread = { buffer: shared, callback: (bytes: number, buffer: Uint8Array) => this.#read(buffer as Buffer, bytes) };
      const socket = connect({ port, host: "127.0.0.1", onread }, () => {
        socket.write(
          `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
        );
      });
      socket.setNoDelay(true);
      socket.on("error", reject);
      socket.on("close", () => reject(new Error("The server closed a subscriber's connection.")));
      this.#socket = socket;
    });
  }

  reset(): void {
    this.received = { count: 0, sum: 0, order: 0 };
  }

  close(): void {
    this.#socket?.destroy();
  }

  /** Always goes on reading. What it is given is overwritten by the next read of any subscriber. */
  #read(chunk: Buffer, bytes: number): boolean {
    const before = this.received.count;
    const whole = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk.subarray(0, bytes)]);
    const length = this.#rest === undefined ? bytes : whole.length;
    const from = this.#upgraded ? 0 : this.#upgrade(whole, length);
    const end = this.#upgraded ? readFrames(whole, from, length, this.#frame) : 0;
    this.#rest = end === length ? undefined : Buffer.from(whole.subarray(end, length));
    if (this.received.count > before) this.#tally.reads++;
    this.#tally.onRead();
    return true;
  }

  #upgrade(buffer: Buffer, length: number): number {
    const headEnd = buffer.subarray(0, length).indexOf("\r\n\r\n");
    if (headEnd === -1) return 0;
    const status = buffer.toString("latin1", 9, 12);
    if (status !== "101") throw new Error(`A websocket was refused with ${status}: ${buffer.toString("latin1", 0, length)}`);
    this.#upgraded = true;
    if (this.#target.protocol === "plain") this.#ready?.resolve();
    return headEnd + 4;
  }

  readonly #frame = (buffer: Buffer, start: number, end: number): void => {
    if (startsWith(buffer, start, end, this.#marker)) {
      const at = start + this.#marker.length;
      const n = numberAt(buffer, at);
      this.received.count++;
      this.received.sum += n;
      this.received.order = (Math.imul(this.received.order, 31) + n) | 0;
      this.#tally.deliveries++;
      // The time follows the number, as `,"t":`.
      if (this.#sample) this.#tally.onSample(numberAt(buffer, buffer.indexOf(0x2c, at) + 5));
    } else if (this.#target.protocol === "socket.io") this.#converse(buffer, start, end);
  };

  #converse(buffer: Buffer, start: number, end: number): void {
    const kind = buffer[start];
    if (kind === engineMessage.ping) this.#socket?.write(pong);
    else if (kind === engineMessage.open) this.#socket?.write(clientFrame("40"));
    else if (startsWith(buffer, start, end, connected)) {
      this.#socket?.write(clientFrame(`420["subscribe",${JSON.stringify(this.#target.channel)}]`));
    } else if (startsWith(buffer, start, end, subscribed)) this.#ready?.resolve();
    else if (startsWith(buffer, start, end, refused)) {
      this.#ready?.reject(new Error(`A subscriber was refused: ${buffer.toString("utf8", start, end)}`));
    }
  }
}

import { connect, type Socket } from "node:net";
import { clientFrame, readFrames } from "./frames.ts";
import { marker, numberAt, startsWith } from "./listening.ts";

/** When a stock client tries again: `reconnectionDelay`, `reconnectionDelayMax`, `randomizationFactor` of socket.io-client. */
const again = { ms: 1_000, msMax: 5_000, random: 0.5 } as const;

const engineMessage = { open: 0x30, ping: 0x32 } as const;
const connected = Buffer.from("40");
const refusedConnect = Buffer.from("44");
const subscribed = Buffer.from('430[{"ok":true');
const event = Buffer.from("42[");
const publication = marker["socket.io"];
const pong = clientFrame("3");
const quote = 0x22;

export interface ReturningHost {
  readonly channel: string;
  /** Whether the server keeps sessions: then the client shows what it has, else it subscribes again. */
  readonly recovers: boolean;
  /** Read into by all, one after the other. */
  readonly shared: Buffer;
  /** Where the client goes next; a balancer would say. */
  nextPort(): number;
  /** The last number that had been published by now. */
  published(): number;
}

/** How a client fared since {@link ReturningClient.mark}; times in ms since then. */
export interface Fared {
  readonly back: number;
  readonly caughtUp: number;
  readonly sameSession: boolean;
  readonly refusals: number;
}

/**
 * A websocket client that comes back when it is cut off, as the stock one does: after a second, more or less, and later each
 * time; with the secret of its session and the last bookmark it has heard. It counts what it hears, and in which order.
 */
export class ReturningClient {
  /** The number that was heard last, and how many were missing before it or came twice. */
  last = 0;
  lost = 0;
  doubled = 0;
  readonly #host: ReturningHost;
  #socket: Socket | undefined;
  #rest: Buffer | undefined;
  #upgraded = false;
  #pid = "";
  #bookmark = "";
  #tries = 0;
  #refusals = 0;
  #session = "";
  #backMs = Number.NaN;
  #caughtUpMs = Number.NaN;
  #markedMs = 0;
  #markedSession = "";
  /** What it must have heard to be where the others are. */
  #owed = Number.POSITIVE_INFINITY;
  #ended = false;
  #ready: (() => void) | undefined;

  constructor(host: ReturningHost) {
    this.#host = host;
  }

  /** Resolves when it is subscribed for the first time. */
  open(): Promise<void> {
    return new Promise((resolve) => {
      this.#ready = resolve;
      this.#connect();
    });
  }

  /** What comes after this is measured. */
  mark(): void {
    this.#markedMs = performance.now();
    this.#markedSession = this.#session;
    this.#backMs = Number.NaN;
    this.#caughtUpMs = Number.NaN;
    this.#owed = Number.POSITIVE_INFINITY;
    this.#refusals = 0;
  }

  get fared(): Fared {
    const sameSession = this.#session !== "" && this.#session === this.#markedSession;
    return { back: this.#backMs, caughtUp: this.#caughtUpMs, sameSession, refusals: this.#refusals };
  }

  end(): void {
    this.#ended = true;
    this.#socket?.destroy();
  }

  #connect(): void {
    const { shared } = this.#host;
    const port = this.#host.nextPort();
    this.#upgraded = false;
    this.#rest = undefined;
    const onread = { buffer: shared, callback: (bytes: number, buffer: Uint8Array) => this.#read(buffer as Buffer, bytes) };
    const socket = connect({ port, host: "127.0.0.1", onread }, () => {
      socket.write(
        `GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
      );
    });
    socket.setNoDelay(true);
    socket.on("error", () => undefined);
    socket.on("close", () => this.#again());
    this.#socket = socket;
  }

  #again(): void {
    if (this.#ended) return;
    const ms = Math.min(again.ms * 2 ** this.#tries, again.msMax);
    this.#tries++;
    setTimeout(() => !this.#ended && this.#connect(), ms * (1 + again.random * (2 * Math.random() - 1)));
  }

  #read(chunk: Buffer, bytes: number): boolean {
    const whole = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk.subarray(0, bytes)]);
    const length = this.#rest === undefined ? bytes : whole.length;
    const from = this.#upgraded ? 0 : this.#upgrade(whole, length);
    try {
      const end = this.#upgraded ? readFrames(whole, from, length, this.#frame) : 0;
      this.#rest = end === length ? undefined : Buffer.from(whole.subarray(end, length));
    } catch {
      // A goodbye: it comes back, as from any other end.
      this.#socket?.destroy();
    }
    return true;
  }

  #upgrade(buffer: Buffer, length: number): number {
    const headEnd = buffer.subarray(0, length).indexOf("\r\n\r\n");
    if (headEnd === -1) return 0;
    this.#upgraded = buffer.toString("latin1", 9, 12) === "101";
    if (!this.#upgraded) this.#refused();
    return headEnd + 4;
  }

  #refused(): void {
    this.#refusals++;
    this.#socket?.destroy();
  }

  readonly #frame = (buffer: Buffer, start: number, end: number): void => {
    if (startsWith(buffer, start, end, publication)) this.#publication(numberAt(buffer, start + publication.length));
    if (startsWith(buffer, start, end, event)) this.#keepBookmark(buffer, end);
    else this.#converse(buffer, start, end);
  };

  #publication(n: number): void {
    if (n <= this.last) this.doubled++;
    else {
      this.lost += n - this.last - 1;
      this.last = n;
    }
    if (n >= this.#owed && Number.isNaN(this.#caughtUpMs)) this.#caughtUpMs = performance.now() - this.#markedMs;
  }

  /** The last argument of an event, when it is a string. */
  #keepBookmark(buffer: Buffer, end: number): void {
    if (!this.#host.recovers || buffer[end - 2] !== quote) return;
    this.#bookmark = buffer.toString("latin1", buffer.lastIndexOf(quote, end - 3) + 1, end - 2);
  }

  #converse(buffer: Buffer, start: number, end: number): void {
    const kind = buffer[start];
    if (kind === engineMessage.ping) this.#socket?.write(pong);
    else if (kind === engineMessage.open)
      this.#say(this.#pid === "" ? "40" : `40{"pid":"${this.#pid}","offset":"${this.#bookmark}"}`);
    else if (startsWith(buffer, start, end, refusedConnect)) this.#refused();
    else if (startsWith(buffer, start, end, connected)) this.#connected(buffer.toString("utf8", start + 2, end));
    else if (startsWith(buffer, start, end, subscribed)) this.#settled();
  }

  #connected(text: string): void {
    const { sid, pid = "" } = JSON.parse(text) as { sid: string; pid?: string };
    const recovered = this.#host.recovers && pid !== "" && pid === this.#pid;
    this.#session = sid;
    if (this.#host.recovers) this.#pid = pid;
    if (recovered) this.#settled();
    else this.#say(`420["subscribe",${JSON.stringify(this.#host.channel)}]`);
  }

  /** It has its channel again; what it missed is on its way, if anything is. */
  #settled(): void {
    this.#tries = 0;
    this.#ready?.();
    if (!Number.isNaN(this.#backMs)) return;
    this.#backMs = performance.now() - this.#markedMs;
    this.#owed = this.#host.published();
    if (this.last >= this.#owed) this.#caughtUpMs = this.#backMs;
  }

  #say(text: string): void {
    this.#socket?.write(clientFrame(text));
  }
}

import { until } from "@fanfare/test-support";
import { WebSocket } from "ws";

/** The separator of packets in one polling payload: https://github.com/socketio/engine.io-protocol, "Packet encoding". */
export const separator = "\u001e";

export interface Opened {
  readonly sid: string;
  readonly upgrades: readonly string[];
  readonly pingInterval: number;
  readonly pingTimeout: number;
  readonly maxPayload: number;
}

/** A long-polling session written by hand, each request over whatever connection fetch has. */
export class PollingSession {
  readonly #url: string;
  readonly #path: string;
  opened: Opened | undefined;

  constructor(url: string, path: string) {
    this.#url = url;
    this.#path = path;
  }

  get address(): string {
    return `${this.#url}${this.#path}?EIO=4&transport=polling${this.opened === undefined ? "" : `&sid=${this.opened.sid}`}`;
  }

  async open(): Promise<Opened> {
    const text = await (await fetch(this.address)).text();
    if (!text.startsWith("0")) throw new Error(`not an open packet: ${text}`);
    this.opened = JSON.parse(text.slice(1)) as Opened;
    return this.opened;
  }

  async post(...packets: string[]): Promise<number> {
    const response = await fetch(this.address, { method: "POST", body: packets.join(separator) });
    await response.text();
    return response.status;
  }

  async poll(): Promise<{ status: number; packets: string[] }> {
    const response = await fetch(this.address);
    return { status: response.status, packets: (await response.text()).split(separator) };
  }

  /** Polls until this packet has come. Pings are answered, noops skipped; anything else is a surprise. */
  async expect(wanted: string): Promise<void> {
    for (;;) {
      const { status, packets } = await this.poll();
      for (const [at, packet] of packets.entries()) {
        if (packet === wanted) {
          if (at !== packets.length - 1) throw new Error(`more came behind ${wanted}: ${packets}`);
          return;
        }
        if (packet === "2") await this.post("3");
        else if (packet !== "6") throw new Error(`${status} ${packet} came instead of ${wanted}`);
      }
    }
  }
}

/** A websocket that keeps what it hears and answers pings. */
export class WireSocket {
  readonly heard: (string | Buffer)[] = [];
  readonly #socket: WebSocket;
  closed = false;
  pings = 0;

  constructor(url: string, path: string, sid?: string, { pong = true } = {}) {
    const address = `${url.replace("http", "ws")}${path}?EIO=4&transport=websocket${sid === undefined ? "" : `&sid=${sid}`}`;
    this.#socket = new WebSocket(address);
    this.#socket.on("message", (data: Buffer, binary) => {
      const packet = binary ? data : data.toString();
      if (packet === "2") {
        this.pings++;
        if (pong) this.send("3");
      } else this.heard.push(packet);
    });
    this.#socket.on("error", () => undefined);
    this.#socket.on("close", () => {
      this.closed = true;
    });
  }

  async opened(): Promise<this> {
    await until(() => (this.#socket.readyState === WebSocket.OPEN ? undefined : "the websocket is not open"));
    return this;
  }

  send(packet: string | Buffer): void {
    this.#socket.send(packet);
  }

  /** Waits for the next packet and takes it. */
  async next(): Promise<string | Buffer> {
    await until(() => (this.heard.length > 0 ? undefined : `nothing heard${this.closed ? ", and it is closed" : ""}`));
    return this.heard.shift() ?? "";
  }

  async end(): Promise<void> {
    await until(() => (this.closed ? undefined : `still open, heard ${this.heard}`));
  }

  close(): void {
    this.#socket.close();
  }
}

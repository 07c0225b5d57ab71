import { io, type Socket } from "socket.io-client";
import type { Entry, Heard, Reset } from "./history.ts";
import { until } from "./until.ts";

export interface TestClientOptions {
  readonly url: string;
  /** Default: the stock client's, polling first and then an upgrade. */
  readonly transports?: readonly ("polling" | "websocket")[] | undefined;
  /** Subscribed at once, as `auth.channels`. */
  readonly channels?: readonly string[] | undefined;
  readonly token?: string | undefined;
  readonly query?: Readonly<Record<string, string>> | undefined;
  /** Whether to wait for `fanfare:welcome`, true by default. */
  readonly wait?: boolean | undefined;
}

/** What a request is answered with. */
export type Answer = { readonly ok: boolean; readonly error?: { readonly code: string; readonly message: string } } & Readonly<
  Record<string, unknown>
>;

export interface Notice {
  readonly name: string;
  readonly body: unknown;
}

const answerMs = 10_000;

/** A stock `socket.io-client`, reconnecting as it does by default, that writes down everything it receives. */
export class TestClient {
  readonly socket: Socket;
  readonly history: Entry[] = [];
  readonly notices: Notice[] = [];
  /** Of the attempts that were refused, what `connect_error` said. */
  readonly connectErrors: (Error & { readonly data?: { readonly code?: string } })[] = [];
  /** Times that it connected, and how often of these its session was recovered. */
  connects = 0;
  recoveries = 0;
  readonly #byChannel = new Map<string, Heard[]>();

  constructor({ url, transports, channels, token, query }: TestClientOptions) {
    this.socket = io(url, {
      forceNew: true,
      ...(transports === undefined ? {} : { transports: [...transports] }),
      ...(query === undefined ? {} : { query: { ...query } }),
      auth: { ...(channels === undefined ? {} : { channels }), ...(token === undefined ? {} : { token }) },
    });
    this.socket.on("connect", () => {
      if (this.socket.recovered) this.recoveries++;
      else if (this.connects > 0) this.history.push({ kind: "fresh", atMs: performance.now() });
      this.connects++;
    });
    this.socket.on("connect_error", (error) => this.connectErrors.push(error));
    this.socket.onAny((event: string, ...args: unknown[]) => this.#record(event, args));
  }

  /** What it heard of a channel, the data only. */
  heard(channel: string): unknown[] {
    return this.publications(channel).map(({ data }) => data);
  }

  publications(channel: string): readonly Heard[] {
    return this.#byChannel.get(channel) ?? [];
  }

  resets(): Reset[] {
    return this.history.filter((entry) => entry.kind === "reset");
  }

  noticesOf(name: string): unknown[] {
    return this.notices.filter((notice) => notice.name === name).map(({ body }) => body);
  }

  request(event: string, ...args: unknown[]): Promise<Answer> {
    return this.socket.timeout(answerMs).emitWithAck(event, ...args);
  }

  /** Rejects when it is refused. */
  async subscribe(
    channel: string,
    options: { readonly since?: { readonly epoch: string; readonly offset: number }; readonly rewind?: number } = {},
  ): Promise<{ epoch: string; offset: number; recovered: boolean; replayed: number }> {
    const answer = await this.request("subscribe", { channel, ...options });
    if (!answer.ok) throw new Error(`subscribe ${channel}: ${answer.error?.code}`);
    return answer as Answer & { epoch: string; offset: number; recovered: boolean; replayed: number };
  }

  /** Until it is connected and its first channels are subscribed to. */
  async welcomed(): Promise<void> {
    await until(() => {
      if (this.noticesOf("fanfare:welcome").length > 0) return undefined;
      return `no welcome; ${this.connectErrors.length} refusals, the last ${this.connectErrors.at(-1)?.message}`;
    }, 20_000);
  }

  close(): void {
    this.socket.disconnect();
  }

  #record(event: string, args: unknown[]): void {
    const atMs = performance.now();
    const [data, context, bookmark] = args as [unknown, Heard | undefined, unknown];
    if (event.startsWith("fanfare:")) {
      this.notices.push({ name: event, body: data });
      if (event === "fanfare:reset") this.history.push({ kind: "reset", atMs, ...(data as { channel: string; reason: string }) });
      return;
    }
    // A foreign broadcast of the stock adapter has no context.
    if (typeof context?.channel !== "string") {
      this.notices.push({ name: event, body: args });
      return;
    }
    const { channel, epoch, offset, id } = context;
    const { recovered } = this.socket;
    const heard: Heard = {
      kind: "heard",
      atMs,
      channel,
      epoch,
      offset,
      id,
      event,
      data,
      bookmark,
      arity: args.length,
      recovered,
    };
    this.history.push(heard);
    const ofChannel = this.#byChannel.get(channel);
    if (ofChannel === undefined) this.#byChannel.set(channel, [heard]);
    else ofChannel.push(heard);
  }
}

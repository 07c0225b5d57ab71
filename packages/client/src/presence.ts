import type { PresenceMember, PresenceNotice } from "@fanfare/domain";
import { channel } from "./channel.ts";
import { Handlers } from "./handlers.ts";
import { askPatiently, pause } from "./request.ts";
import { RequestError } from "./request-error.ts";
import type { StockSocket } from "./stock-socket.ts";
import type { Refusal } from "./subscription.ts";

export interface PresenceOptions {
  /** Called after each change of `members` or of the counts. */
  readonly onChange?: (() => void) | undefined;
  /** What the handler has thrown. Default: as any uncaught exception of the page or the process. */
  readonly onError?: ((thrown: unknown) => void) | undefined;
}

/** Who is in a channel, kept up to date. */
export interface Presence {
  readonly channel: string;
  /** By session id; empty while it is `countsOnly`. What it was before a break is shown until there is news. */
  readonly members: ReadonlyMap<string, PresenceMember>;
  readonly clients: number;
  readonly users: number;
  /** The channel is too large to be told one by one: only the counts are true. */
  readonly countsOnly: boolean;
  /** Why it is not known who is there. */
  readonly refusal: Refusal | undefined;
  /** Ends it. The channel is unsubscribed from unless others listen to it. */
  close(): void;
}

interface Answer {
  readonly clients: number;
  readonly users: number;
  readonly version: number;
  readonly members?: readonly PresenceMember[];
}

const patience = { answerMs: 10_000, patienceMs: 60_000 };
const retryMs = 5_000;

/**
 * Follows who comes and goes in a channel, across reconnects. It subscribes to the channel, because only subscribers are
 * told; where the rules have no `joinLeave` it shows who was there at the last connect.
 */
export function presence(socket: StockSocket, name: string, options: PresenceOptions = {}): Presence {
  return new Watch(socket, name, options);
}

class Watch implements Presence {
  readonly channel: string;
  readonly members = new Map<string, PresenceMember>();
  clients = 0;
  users = 0;
  countsOnly = false;
  refusal: Refusal | undefined;
  #version = 0;
  readonly #socket: StockSocket;
  readonly #options: PresenceOptions;
  readonly #handlers: Handlers;
  readonly #listener: { close(): void };
  readonly #hear = (event: string, ...args: unknown[]): void => {
    const [notice] = args as [PresenceNotice | undefined];
    if (event === "fanfare:presence" && notice?.channel === this.channel) this.#take(notice);
  };
  /** What came since the question that is not answered yet. */
  #since: PresenceNotice[] | undefined;
  #closed = false;

  constructor(socket: StockSocket, name: string, options: PresenceOptions) {
    this.channel = name;
    this.#socket = socket;
    this.#options = options;
    this.#handlers = new Handlers(options.onError);
    socket.onAny(this.#hear);
    // Not before it is subscribed: what changes between the answer and the subscription would not be told.
    const listener = channel(socket, name, {
      onState: (state, refusal) => {
        if (state === "live") void this.#load();
        if (state === "refused") this.#refuse(refusal);
      },
    });
    this.#listener = listener;
    if (listener.state === "live") void this.#load();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#since = undefined;
    this.#socket.offAny(this.#hear);
    this.#listener.close();
  }

  async #load(): Promise<void> {
    const since: PresenceNotice[] = [];
    this.#since = since;
    try {
      const answer = await askPatiently<Answer>(this.#socket, "presence", { channel: this.channel }, patience);
      // It was asked again meanwhile, or ended.
      if (this.#since !== since) return;
      this.#since = undefined;
      this.refusal = undefined;
      this.#version = answer.version;
      this.#count(answer, answer.members === undefined);
      this.members.clear();
      for (const member of answer.members ?? []) this.members.set(member.id, member);
      for (const notice of since) this.#apply(notice);
      this.#changed();
    } catch (thrown) {
      if (this.#since !== since) return;
      const code = thrown instanceof RequestError ? thrown.code : "NO_ANSWER";
      this.#refuse({ code, message: thrown instanceof Error ? thrown.message : String(thrown) });
      if (code !== "NO_ANSWER" && code !== "BROKER_UNAVAILABLE") return;
      await pause(retryMs);
      if (this.#since === since) void this.#load();
    }
  }

  #take(notice: PresenceNotice): void {
    if (notice.reload) {
      void this.#load();
      return;
    }
    this.#since?.push(notice);
    if (this.#apply(notice)) this.#changed();
  }

  #apply(notice: PresenceNotice): boolean {
    const { joined, left, version, countsOnly = false } = notice;
    if (version <= this.#version) return false;
    this.#version = version;
    this.#count(notice, countsOnly);
    if (countsOnly) this.members.clear();
    for (const { id } of left) this.members.delete(id);
    for (const member of joined) this.members.set(member.id, member);
    return true;
  }

  #count({ clients, users }: Pick<Answer, "clients" | "users">, countsOnly: boolean): void {
    this.clients = clients;
    this.users = users;
    this.countsOnly = countsOnly;
  }

  #refuse(refusal: Refusal | undefined): void {
    this.refusal = refusal;
    this.#changed();
  }

  #changed(): void {
    if (!this.#closed) this.#handlers.guard(() => this.#options.onChange?.());
  }
}

import type { TestClient } from "./test-client.ts";

/** Who asks: a test client, or less than that. */
export type PresenceClient = Pick<TestClient, "socket" | "request">;

interface Member {
  readonly id: string;
  readonly user: string | null;
  readonly since: number;
  readonly reason?: string;
}

interface Notice {
  readonly channel: string;
  readonly joined: readonly Member[];
  readonly left: readonly Member[];
  readonly clients: number;
  readonly users: number;
  readonly version: number;
  readonly countsOnly?: true;
  readonly reload?: true;
}

const retryMs = 1_000;

/**
 * What a client of its own makes of presence by docs/PRESENCE.md: it asks when it is subscribed, goes on by the notices, and asks
 * again when it is told to.
 */
export class PresenceWatch {
  readonly members = new Map<string, Member>();
  /** Those that notices named, in their order. */
  readonly joined: Member[] = [];
  readonly left: Member[] = [];
  clients = 0;
  users = 0;
  countsOnly = false;
  notices = 0;
  reloads = 0;
  #version = 0;
  /** What came since the question that is not yet answered. */
  #since: Notice[] | undefined;
  readonly #client: PresenceClient;
  readonly #remembers: boolean;
  readonly #channel: string;

  constructor(client: PresenceClient, channel: string, { remembers = true }: { readonly remembers?: boolean } = {}) {
    this.#client = client;
    this.#remembers = remembers;
    this.#channel = channel;
    client.socket.on("fanfare:presence", (notice: Notice) => {
      if (notice.channel === channel) this.#hear(notice);
    });
    // Not on "connect": what changes between the answer and the subscription would not be told. A session that is taken up
    // again is told to ask when it has its channels.
    client.socket.on("fanfare:welcome", () => {
      if (!client.socket.recovered) void this.load();
    });
  }

  get ids(): string[] {
    return [...this.members.keys()].sort();
  }

  async load(): Promise<void> {
    const since: Notice[] = [];
    this.#since = since;
    const answer = await this.#client.request("presence", { channel: this.#channel }).catch(() => undefined);
    // It was asked again meanwhile.
    if (this.#since !== since) return;
    if (answer === undefined || !answer.ok) {
      // Cut off, the next connect asks; what is forbidden stays so. Else: no answer in time, or to be tried again.
      if (!this.#client.socket.connected || ["FORBIDDEN", "NOT_SUBSCRIBED"].includes(answer?.error?.code ?? "")) return;
      await new Promise((resolve) => setTimeout(resolve, retryMs));
      if (this.#since === since) await this.load();
      return;
    }
    this.#since = undefined;
    const { members, version, clients, users } = answer as unknown as Notice & { members?: readonly Member[] };
    this.#version = version;
    this.clients = clients;
    this.users = users;
    this.countsOnly = members === undefined;
    this.members.clear();
    for (const member of members ?? []) this.members.set(member.id, member);
    for (const notice of since) this.#apply(notice);
  }

  #hear(notice: Notice): void {
    this.notices++;
    if (this.#remembers) {
      this.joined.push(...notice.joined);
      this.left.push(...notice.left);
    }
    if (notice.reload) {
      this.reloads++;
      void this.load();
      return;
    }
    this.#since?.push(notice);
    this.#apply(notice);
  }

  #apply({ joined, left, clients, users, version, countsOnly }: Notice): void {
    if (version <= this.#version) return;
    this.#version = version;
    this.clients = clients;
    this.users = users;
    this.countsOnly = countsOnly ?? false;
    if (this.countsOnly) this.members.clear();
    for (const { id } of left) this.members.delete(id);
    for (const member of joined) this.members.set(member.id, member);
  }
}

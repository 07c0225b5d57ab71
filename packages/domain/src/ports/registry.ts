import type { Channel } from "../channel.ts";

/** One client's connection, as its node last said. */
export interface ConnectionRecord {
  /** What the client knows as `socket.id`. */
  readonly id: string;
  readonly user: string | null;
  readonly node: string;
  readonly transport: "polling" | "websocket";
  /** Where it comes from. */
  readonly address: string;
  /** What it calls itself, where it does. */
  readonly client?: string;
  /** Milliseconds since 1970. */
  readonly since: number;
  /** Ordered by name. */
  readonly channels: readonly Channel[];
  /** Bytes that it has been sent and has not taken yet, as of its node's last renewal. */
  readonly unsentBytes: number;
}

/** A connection and which turn of its session it is, see `Ownership` of the sessions. */
export interface OwnedConnection {
  readonly connection: Omit<ConnectionRecord, "node">;
  readonly turn: number;
}

/** What changed on a node since its last batch. */
export interface RegistryBatch {
  readonly node: string;
  /**
   * The stamp of the node's batch before. Undefined begins anew, which is always accepted: what is there of the node stays,
   * and the node counts as missing until a batch is `complete`.
   */
  readonly after: string | undefined;
  /** A name for this batch that no other one has. */
  readonly stamp: string;
  /** Whether the registry now has everything of the node. */
  readonly complete: boolean;
  /** Connections that are new or not what they were. The caller bounds these and `gone`: a few hundred. */
  readonly changed: readonly OwnedConnection[];
  /** Ids of connections that the node no longer has. */
  readonly gone: readonly string[];
}

export interface ConnectionQuery {
  readonly user?: string | undefined;
  readonly channel?: Channel | undefined;
  readonly node?: string | undefined;
  /** `unsent`: only those that have unsent bytes, the most first. Default: all of them, by id. */
  readonly order?: "id" | "unsent" | undefined;
}

export interface PageRequest {
  /** `next` of the page before. */
  readonly after?: string | undefined;
  /** From 1 on. */
  readonly limit: number;
}

export interface RegistryPage<Item> {
  readonly items: readonly Item[];
  /** Undefined when there is nothing behind these. A page that has one may be short, even empty. */
  readonly next: string | undefined;
}

/** What a process says of itself in numbers. */
export interface ProcessFigures {
  readonly websocket: number;
  readonly polling: number;
  /** Publications that were handed in at this process and stored. */
  readonly publicationsPerSecond: number;
  /** Publications that this process wrote to connections: one to ten subscribers counts ten. */
  readonly deliveriesPerSecond: number;
  /** Of nodes only. */
  readonly health?: NodeHealth;
}

/** How a node does, over the two seconds before it said so. */
export interface NodeHealth {
  /** Of one core; a process with threads may use more than 100. */
  readonly cpuPercent: number;
  /** How late the event loop was in the worst hundredth of its turns. */
  readonly loopDelayMs: number;
  /** Resident memory of the process. */
  readonly memoryBytes: number;
  /** What all connections together have been sent and have not taken yet. */
  readonly unsentBytes: number;
  /** Since the last canary came back; null before the first. */
  readonly canaryAgeMs: number | null;
  /**
   * From storing a publication to writing it to the node's subscribers: the half and the slowest hundredth, by the clocks of the
   * broker and the node. Null when nothing was delivered.
   */
  readonly latencyMs: { readonly p50: number; readonly p99: number } | null;
}

export interface RegistryTotals {
  readonly connections: number;
  readonly channels: number;
  readonly users: number;
}

/**
 * Who is connected, where, as whom and to what.
 *
 * **Writing.** Each node writes what changed on it in batches, so a connection costs no round trip of its own, and what is
 * read is younger than a node's batch period. A batch is applied as a whole or not at all, and only behind the one that the
 * node believes to be the last: a broker that lost something, another process of the same name, and an answer that did not
 * arrive all end in `stale`, and the node then says everything again. A connection belongs to the node that has its session's
 * latest turn: what a former one says of it changes nothing, so a session that moves is never listed twice or lost.
 *
 * **Leases.** What a node wrote hangs on a lease that every batch renews. When it has run out the node is `missing`, until
 * somebody's {@link sweep} has removed what was left or the node itself begins anew.
 *
 * **Reading.** Never asks another node. Lists have an order that stands still, by id or by name, and a page begins behind a
 * place in it: whatever was in the list all the time comes exactly once, whatever comes and goes beside it. Only the order
 * by unsent bytes moves with the bytes.
 *
 * While the broker is away every verb rejects with `BROKER_UNAVAILABLE`.
 */
export interface Registry {
  /** Applies the batch and renews the lease; `stale`: nothing happened, begin anew. */
  write(batch: RegistryBatch, leaseMs: number): Promise<"written" | "stale">;

  /** Removes the node and all it wrote, unless somebody else has begun anew under its name. Idempotent. */
  leave(node: string, stamp: string): Promise<void>;

  /**
   * Removes what nodes left behind whose lease has run out, and answers what that was: each connection to one caller, however
   * many sweep at once. `leaseMs`: how long the others wait for this caller before they take over from it. `onNode` is told
   * the name of each node that was swept, also of one that left no connection.
   */
  sweep(leaseMs: number, onNode?: (node: string) => void): Promise<ConnectionRecord[]>;

  /**
   * Nodes of which the lists may lack something, by name: two thirds of their lease have passed, or they have not said
   * everything, or they are among the `alive` and have said nothing at all.
   */
  missing(alive: readonly string[]): Promise<string[]>;

  /** Ids of the connections that the registry has of a node, by id. */
  idsOf(node: string, page: PageRequest): Promise<RegistryPage<string>>;

  connection(id: string): Promise<ConnectionRecord | undefined>;
  connections(query: ConnectionQuery, page: PageRequest): Promise<RegistryPage<ConnectionRecord>>;

  /** All connections of a user, by id. */
  connectionsOf(user: string): Promise<ConnectionRecord[]>;

  /** How many connections are subscribed to the channel. */
  subscribers(channel: Channel): Promise<number>;

  /** Channels with subscribers, by name. */
  channels(
    query: { readonly prefix?: string | undefined },
    page: PageRequest,
  ): Promise<RegistryPage<{ readonly channel: Channel; readonly subscribers: number }>>;

  /** Users with connections, by name. */
  users(page: PageRequest): Promise<RegistryPage<{ readonly user: string; readonly connections: number }>>;

  totals(): Promise<RegistryTotals>;

  /** What a process says of itself, for `lifeMs`. Any process may, not only nodes. */
  report(process: string, figures: ProcessFigures, lifeMs: number): Promise<void>;

  /** What they said last, of all whose word still holds. */
  figures(): Promise<ReadonlyMap<string, ProcessFigures>>;
}

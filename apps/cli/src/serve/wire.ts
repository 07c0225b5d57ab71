/** What a worker of `fanfare serve --workers` is: one node, or the admin API together with the sources. */
export type Role = "node" | "api";

/** What a worker says of itself once it serves. */
export type WorkerReady =
  | {
      readonly role: "node";
      readonly node: string;
      readonly pid: number;
      readonly peerPort: number;
      readonly sidPrefix: string;
    }
  | { readonly role: "api"; readonly adminPort: number; readonly sources: readonly string[] };

/** From a worker to the process that started it. */
export type FromWorker =
  | { readonly kind: "ready"; readonly ready: WorkerReady }
  /** The connection of this number has arrived: the worker's copy is the one that counts. */
  | { readonly kind: "received"; readonly connection: number }
  /** It drains: no further connections. */
  | { readonly kind: "closed" };

/** To a node, with the connection as the message's handle. */
export interface ToWorker {
  readonly kind: "connection";
  readonly connection: number;
}

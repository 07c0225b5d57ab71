import { randomBytes } from "node:crypto";
import { clientAddress, type TrustedProxies } from "@fanfare/access";
import { type Clock, channelOfRoom, type OwnedConnection, type Registry } from "@fanfare/domain";
import { type Fanout, unsentBytes } from "@fanfare/fanout";
import { type Log, type Metrics, Rate } from "@fanfare/telemetry";
import type { Namespace } from "socket.io";
import type { LifecycleWriter } from "./lifecycle.ts";
import type { HealthMeter } from "./node-health.ts";
import { type ClientSocket, identityOf } from "./session.ts";

/** How often changes are written. */
const periodMs = 500;
/** How often something is written without any, and the leases of others are looked at. */
const renewMs = 2_000;
const leaseMs = 3 * renewMs;
/** Connections of one batch, so that the broker is never busy with it for more than a millisecond or two. */
const batchMax = 100;
/** Read at once of what the registry has of this node. */
const readMax = 1_000;
/** UTF-16 units kept of what a client calls itself. */
const clientLengthMax = 200;

export interface RegistryKeeperParts {
  readonly registry: Registry;
  readonly fanout: Pick<Fanout, "channelsOf" | "canaryAgeMs">;
  /** Absent: nothing is said of how the node does. */
  readonly health?: HealthMeter;
  /** Told of nodes that are lost, and of their connections. */
  readonly lifecycle?: Pick<LifecycleWriter, "node" | "lost"> | undefined;
  /** Which turn of its session a connection is. */
  readonly turnOf: (socket: ClientSocket) => number;
  readonly trusted: TrustedProxies;
  readonly node: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Pick<Metrics, "publications" | "deliveries" | "unsentBytes">;
}

interface Entry {
  readonly socket: ClientSocket;
  readonly turn: number;
  readonly address: string;
  readonly client: string | undefined;
  readonly since: number;
  /** As of the last renewal. */
  unsentBytes: number;
}

/**
 * Keeps the cluster's registry up with this node's connections. A connection, a subscription and their ends only mark an id;
 * what is written is how things stand when a batch is made, so whatever happens in between costs nothing.
 */
export class RegistryKeeper {
  readonly #parts: RegistryKeeperParts;
  readonly #publications: Rate;
  readonly #deliveries: Rate;
  readonly #entries = new Map<string, Entry>();
  /** Ids of which the registry does not know what is known here. */
  #marked = new Set<string>();
  /** Of the batch that was written last; undefined: everything has to be said anew. */
  #stamp: string | undefined;
  /** Whether everything was said since the node began anew. */
  #complete = false;
  #renewedAtMs = Number.NEGATIVE_INFINITY;
  #broken = false;
  #ended = false;
  #callOff = (): void => undefined;
  #round: Promise<void> = Promise.resolve();

  constructor(parts: RegistryKeeperParts) {
    this.#parts = parts;
    const nowMs = (): number => parts.clock.monotonic();
    this.#publications = new Rate(parts.metrics.publications, { outcome: "stored" }, nowMs);
    this.#deliveries = new Rate(parts.metrics.deliveries, {}, nowMs);
  }

  /** Listens to a namespace from now on. Resolves when the registry first heard of this node, or could not. Never rejects. */
  attach(namespace: Namespace): Promise<void> {
    namespace.on("connection", (socket: ClientSocket) => this.#enter(socket));
    const mark = (room: string, id: string): void => {
      if (channelOfRoom(room) !== undefined) this.#marked.add(id);
    };
    namespace.adapter.on("join-room", mark);
    namespace.adapter.on("leave-room", mark);
    this.#go();
    return this.#round;
  }

  /** Takes this node and what is left of its connections out of the registry. Never rejects. */
  async end(): Promise<void> {
    this.#ended = true;
    this.#callOff();
    await this.#round;
    if (this.#stamp !== undefined) await this.#parts.registry.leave(this.#parts.node, this.#stamp).catch(() => undefined);
  }

  #enter(socket: ClientSocket): void {
    const { clock, turnOf, trusted } = this.#parts;
    const { id, handshake } = socket;
    const { "x-forwarded-for": forwarded, "user-agent": client } = handshake.headers;
    const entry: Entry = {
      socket,
      turn: turnOf(socket),
      address: clientAddress(handshake.address, forwarded, trusted),
      client: client?.slice(0, clientLengthMax),
      since: clock.now(),
      unsentBytes: 0,
    };
    this.#entries.set(id, entry);
    this.#marked.add(id);
    if (socket.conn.transport.name === "polling") socket.conn.once("upgrade", () => this.#marked.add(id));
  }

  /** Told of every connection that has ended. */
  over(socket: ClientSocket): void {
    const { id } = socket;
    // By then the session may have gone on here under the same id.
    if (this.#entries.get(id)?.socket !== socket) return;
    this.#entries.delete(id);
    this.#marked.add(id);
  }

  #go(): void {
    if (this.#ended) return;
    this.#round = this.#write().then(() => {
      this.#callOff = this.#parts.clock.after(periodMs, () => this.#go());
    });
  }

  async #write(): Promise<void> {
    const { clock, log } = this.#parts;
    const renews = clock.monotonic() - this.#renewedAtMs >= renewMs;
    try {
      if (renews) this.#lookAtUnsent();
      if (this.#stamp !== undefined && (renews || this.#marked.size > 0)) await this.#writeMarked();
      if (this.#stamp === undefined) {
        await this.#beginAnew();
        await this.#writeMarked();
      }
      if (renews) {
        await this.#report();
        await this.#sweep();
        this.#renewedAtMs = clock.monotonic();
      }
      if (this.#broken) log.info("registry written again");
      this.#broken = false;
    } catch (err) {
      // Whether the broker has the last batch is not known.
      this.#stamp = undefined;
      if (!this.#broken) log.warn({ err }, "registry not written");
      this.#broken = true;
    }
  }

  /** Marks everything that is here, and what the registry has of this node and is not. */
  async #beginAnew(): Promise<void> {
    const { registry, node } = this.#parts;
    const stamp = newStamp();
    this.#complete = false;
    await registry.write({ node, after: undefined, stamp, complete: false, changed: [], gone: [] }, leaseMs);
    const marked = new Set<string>();
    let after: string | undefined;
    do {
      const { items, next } = await registry.idsOf(node, { after, limit: readMax });
      for (const id of items) marked.add(id);
      after = next;
    } while (after !== undefined);
    // From here to the end nothing is awaited: a connection that came in between would be forgotten.
    for (const id of this.#entries.keys()) marked.add(id);
    this.#marked = marked;
    this.#stamp = stamp;
  }

  /** At least once, also without any: that renews the lease. */
  async #writeMarked(): Promise<void> {
    const { registry, node } = this.#parts;
    do {
      const changed: OwnedConnection[] = [];
      const gone: string[] = [];
      for (const id of this.#marked) {
        if (changed.length + gone.length >= batchMax) break;
        this.#marked.delete(id);
        const entry = this.#entries.get(id);
        if (entry === undefined) gone.push(id);
        else changed.push(this.#owned(entry));
      }
      this.#complete ||= this.#marked.size === 0;
      const batch = { node, after: this.#stamp, stamp: newStamp(), complete: this.#complete, changed, gone };
      if ((await registry.write(batch, leaseMs)) === "stale") {
        this.#stamp = undefined;
        return;
      }
      this.#stamp = batch.stamp;
    } while (this.#marked.size > 0 && !this.#ended);
  }

  #owned({ socket, turn, address, client, since, unsentBytes }: Entry): OwnedConnection {
    return {
      connection: {
        id: socket.id,
        user: identityOf(socket).user ?? null,
        transport: socket.conn.transport.name === "polling" ? "polling" : "websocket",
        address,
        ...(client === undefined ? {} : { client }),
        since,
        channels: this.#parts.fanout.channelsOf(socket).sort(),
        unsentBytes,
      },
      turn,
    };
  }

  #lookAtUnsent(): void {
    for (const [id, entry] of this.#entries) {
      const bytes = unsentBytes(entry.socket);
      if (bytes === entry.unsentBytes) continue;
      entry.unsentBytes = bytes;
      this.#marked.add(id);
    }
  }

  async #report(): Promise<void> {
    const { fanout, health, metrics } = this.#parts;
    let polling = 0;
    let unsentBytes = 0;
    for (const entry of this.#entries.values()) {
      if (entry.socket.conn.transport.name === "polling") polling++;
      unsentBytes += entry.unsentBytes;
    }
    metrics.unsentBytes.set(unsentBytes);
    const figures = {
      websocket: this.#entries.size - polling,
      polling,
      publicationsPerSecond: await this.#publications.perSecond(),
      deliveriesPerSecond: await this.#deliveries.perSecond(),
      ...(health === undefined ? {} : { health: health.take({ unsentBytes, canaryAgeMs: fanout.canaryAgeMs }) }),
    };
    await this.#parts.registry.report(this.#parts.node, figures, leaseMs);
  }

  async #sweep(): Promise<void> {
    const { lifecycle, registry } = this.#parts;
    const lost = await registry.sweep(leaseMs, (node) => lifecycle?.node("node_left", node, "lost"));
    if (lost.length === 0) return;
    lifecycle?.lost(lost);
    const nodes = [...new Set(lost.map(({ node }) => node))];
    this.#parts.log.info({ nodes, connections: lost.length }, "cleaned up behind lost nodes");
  }
}

function newStamp(): string {
  return randomBytes(9).toString("base64url");
}

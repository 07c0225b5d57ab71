import { connect as connectTcp, Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { AbstractConnector, type RedisOptions } from "ioredis";
import { disconnectTimeoutMs } from "./connection.ts";
import type { Topology } from "./topology.ts";

/**
 * Options that lead every connection to the primary that serves the slot then.
 *
 * A class that inherits, because that is what ioredis wants made for every client.
 */
export function targetOfSlot(topology: Topology, slot: number, login: RedisOptions): RedisOptions {
  class TopologyConnector extends AbstractConnector {
    constructor() {
      super(disconnectTimeoutMs);
    }

    /** Whether a server that has said what it is will do. A primary that has just become a replica will not. */
    override check({ role }: { readonly role?: string }): boolean {
      return role !== "slave";
    }

    /** Never rejects: after a rejection ioredis would not try again. It is given a connection that is broken already. */
    override async connect(): Promise<Socket> {
      this.connecting = true;
      try {
        const primary = await topology.primaryOf(slot);
        if (!this.connecting) throw new Error("the connection was closed");
        const { host, port } = primary;
        const stream = login.tls === undefined ? connectTcp({ host, port }) : connectTls({ ...login.tls, host, port });
        stream.once("error", (error) => {
          this.firstError = error;
        });
        topology.follow(slot, primary, stream);
        this.stream = stream;
      } catch (thrown) {
        this.firstError = thrown instanceof Error ? thrown : new Error(String(thrown));
        this.stream = new Socket().destroy();
      }
      return this.stream;
    }
  }
  return { ...login, Connector: TopologyConnector };
}

import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/**
 * - `pass`       as if it were not there
 * - `refuse`     connections are reset, present and new ones
 * - `blackhole`  nothing moves in either direction and nobody is told, neither by FIN nor by RST; what a side sends waits in
 *                its kernel until that is full (back-pressure), and goes on with the next `pass`
 */
export type FaultMode = "pass" | "refuse" | "blackhole";

interface Target {
  readonly host?: string;
  readonly port: number;
}

export interface FaultProxyOptions {
  /** Where a connection goes. Given a function, it is asked with the connection's first bytes; undefined resets it. */
  readonly target: Target | ((head: string) => Target | undefined);
}

/** A TCP proxy that can do to its connections what networks do. */
export interface FaultProxy {
  readonly port: number;
  readonly url: string;
  /** Open at this moment, as clients see it. */
  readonly connections: number;
  become(mode: FaultMode): void;
  /**
   * Resets the present connections. With `client` only that side learns of it: to the server they stay as they are, for
   * ever silent, as after a client has changed its network.
   */
  cut(side?: "both" | "client"): void;
  close(): Promise<void>;
}

interface Pair {
  readonly client: Socket;
  server: Socket | undefined;
  /** Connects the server's side, once. */
  open(): void;
}

export async function startFaultProxy({ target }: FaultProxyOptions): Promise<FaultProxy> {
  const pairs = new Set<Pair>();
  /** Server sides that were left behind on purpose. */
  const abandoned = new Set<Socket>();
  let mode: FaultMode = "pass";

  const listener = createServer({ pauseOnConnect: true, noDelay: true }, (client) => {
    if (mode === "refuse") {
      client.resetAndDestroy();
      return;
    }
    const pair: Pair = { client, server: undefined, open: () => openPair(pair) };
    pairs.add(pair);
    watch(pair, client, () => pair.server);
    if (mode === "pass") pair.open();
  });
  await new Promise<void>((resolve, reject) => {
    listener.once("error", reject);
    listener.listen({ port: 0, host: "127.0.0.1", backlog: 4_096 }, resolve);
  });

  function openPair(pair: Pair): void {
    if (typeof target !== "function") {
      join(pair, target);
      return;
    }
    pair.client.once("data", (head) => {
      pair.client.pause();
      const chosen = target(head.toString("latin1"));
      if (chosen === undefined) pair.client.resetAndDestroy();
      else {
        pair.client.unshift(head);
        join(pair, chosen);
      }
    });
    pair.client.resume();
  }

  function join(pair: Pair, { host = "127.0.0.1", port }: Target): void {
    pair.server = connect({ host, port, noDelay: true });
    watch(pair, pair.server, () => pair.client);
    if (mode === "pass") flow(pair);
  }

  /** One side's end is the other's, unless the network is not to pass it on. */
  function watch(pair: Pair, socket: Socket, other: () => Socket | undefined): void {
    socket.on("error", () => {});
    socket.once("close", (failed: boolean) => {
      if (!pairs.delete(pair)) return;
      if (failed) other()?.resetAndDestroy();
      // Not end(): a side that nobody reads from any more would never see the other's goodbye, and stay.
      else other()?.destroySoon();
    });
  }

  const { port } = listener.address() as AddressInfo;
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    get connections() {
      return pairs.size;
    },
    become(next) {
      mode = next;
      for (const pair of pairs) {
        if (next === "refuse") reset(pair);
        else if (next === "blackhole") hold(pair);
        else if (pair.server === undefined) pair.open();
        else flow(pair);
      }
    },
    cut(side = "both") {
      for (const pair of [...pairs]) {
        if (side === "both" || pair.server === undefined) {
          reset(pair);
          continue;
        }
        hold(pair);
        abandoned.add(pair.server);
        pairs.delete(pair);
        pair.client.resetAndDestroy();
      }
    },
    async close() {
      for (const pair of [...pairs]) reset(pair);
      for (const socket of abandoned) socket.destroy();
      await new Promise((resolve) => listener.close(resolve));
    },
  };
}

function flow({ client, server }: Pair): void {
  if (server === undefined) return;
  client.pipe(server);
  server.pipe(client);
}

function hold({ client, server }: Pair): void {
  if (server === undefined) {
    client.pause();
    return;
  }
  client.unpipe(server).pause();
  server.unpipe(client).pause();
}

function reset({ client, server }: Pair): void {
  server?.resetAndDestroy();
  client.resetAndDestroy();
}

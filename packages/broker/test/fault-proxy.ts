import { connect, createServer, type Socket } from "node:net";
import { freePort } from "@fanfare/test-support";

/** A TCP proxy that can do to its connections what a network does. */
export interface FaultProxy {
  readonly port: number;
  /** From now on what the server says on the present connections does not arrive, and nobody is told. */
  holeReplies(): void;
  /** Ends the present connections with a reset. */
  reset(): void;
  /** How many connections there have been. */
  readonly connections: number;
  close(): Promise<void>;
}

export async function startFaultProxy(target: { readonly host: string; readonly port: number }): Promise<FaultProxy> {
  const port = await freePort();
  const pairs = new Set<{ readonly client: Socket; readonly server: Socket }>();
  let connections = 0;
  const listener = createServer((client) => {
    connections++;
    const pair = { client, server: connect(target) };
    pairs.add(pair);
    client.pipe(pair.server);
    pair.server.pipe(client);
    for (const [one, other] of [[client, pair.server] as const, [pair.server, client] as const]) {
      one.on("error", () => other.destroy());
      one.on("close", () => {
        other.destroy();
        pairs.delete(pair);
      });
    }
  });
  await new Promise<void>((resolve) => listener.listen(port, "127.0.0.1", resolve));
  return {
    port,
    get connections() {
      return connections;
    },
    holeReplies() {
      for (const { client, server } of pairs) {
        server.unpipe(client);
        server.resume();
      }
    },
    reset() {
      for (const { client } of pairs) client.resetAndDestroy();
    },
    close() {
      for (const { client } of pairs) client.destroy();
      return new Promise((resolve) => listener.close(() => resolve()));
    },
  };
}

import { type GatewayProcess, until } from "@fanfare/test-support";
import { io, type Socket } from "socket.io-client";
import { describe, expect } from "vitest";
import { test as plain } from "../cluster/cluster.ts";

/** As a balancer on this machine would hand them on: loopback itself is not limited. */
const env = { FANFARE_TRUSTED_PROXIES: "127.0.0.1" };
const from = (address: string): Record<string, string> => ({ "x-forwarded-for": address });

function handshake({ url }: GatewayProcess, address: string | undefined): Promise<Response> {
  return fetch(`${url}/socket.io/?EIO=4&transport=polling`, { headers: address === undefined ? {} : from(address) });
}

/** Stock clients of one address, over websocket, all at once. They are closed by the caller. */
function clientsOf(address: string, count: number, gateways: readonly GatewayProcess[]): Socket[] {
  return Array.from({ length: count }, (_, at) =>
    io(gateways[at % gateways.length]?.url ?? "", {
      forceNew: true,
      transports: ["websocket"],
      reconnectionDelay: 100,
      reconnectionDelayMax: 300,
      extraHeaders: from(address),
    }),
  );
}

const connected = (clients: readonly Socket[]): number => clients.filter((client) => client.connected).length;

describe("new connections of one address", () => {
  const test = plain.override({
    clusterOptions: { gateways: 1, admins: 1, env: { ...env, FANFARE_CONNECTS_PER_ADDRESS: "4" } },
  });

  test("come no faster than they may, and are told when to come again; others do not notice", async ({ cluster }) => {
    const node = cluster.gateway(0);
    const answers = await Promise.all(Array.from({ length: 40 }, () => handshake(node, "203.0.113.5")));
    const refused = answers.filter(({ status }) => status === 429);
    // The burst is 20, and a second or two may pass.
    expect(refused.length).toBeGreaterThanOrEqual(10);
    expect(answers.length - refused.length).toBeGreaterThanOrEqual(20);
    expect(await refused[0]?.json()).toMatchObject({ code: "RATE_LIMITED", retryAfterMs: expect.any(Number) });
    expect(Number(refused[0]?.headers.get("retry-after"))).toBeGreaterThan(0);
    for (const address of ["203.0.113.6", "2001:db8::1", undefined]) expect((await handshake(node, address)).status).toBe(200);
    // What a client says of itself in front of the balancer's word is no other address.
    expect((await handshake(node, "198.51.100.1, 203.0.113.5")).status).toBe(429);
    // An IPv6 network is one address.
    const network = Array.from({ length: 40 }, (_, at) => `2001:db8:0:1::${at.toString(16)}`);
    const neighbours = await Promise.all(network.map((address) => handshake(node, address)));
    expect(neighbours.some(({ status }) => status === 429)).toBe(true);
  });
});

describe("connections at the same time", () => {
  const test = plain.override({
    clusterOptions: { gateways: 3, admins: 1, env: { ...env, FANFARE_CONNECTIONS_PER_ADDRESS: "12" } },
  });

  test("of one address are no more than they may be on all nodes together, and one that goes makes room", async ({ cluster }) => {
    const others = clientsOf("203.0.113.6", 6, cluster.gateways);
    const clients = clientsOf("203.0.113.5", 30, cluster.gateways);
    try {
      await until(() => (connected(others) === 6 ? undefined : `${connected(others)} of the others`));
      await until(() => (connected(clients) === 12 ? undefined : `${connected(clients)} of 12`), 20_000);
      const [gone] = clients.filter((client) => client.connected);
      gone?.close();
      // Whoever waits outside goes on trying by itself, as a stock client does.
      const left = clients.filter((client) => client !== gone);
      await until(() => (connected(left) === 12 ? undefined : `${connected(left)} of 12 after one went`), 25_000);
      expect(connected(others)).toBe(6);
    } finally {
      for (const client of [...clients, ...others]) client.close();
    }
  });
});

import { signToken } from "@fanfare/access";
import { type GatewayProcess, until } from "@fanfare/test-support";
import { io, type Socket } from "socket.io-client";
import { describe, expect } from "vitest";
import { test as plain } from "../cluster/cluster.ts";

/** As a balancer on this machine would hand them on: loopback itself is not limited. */
const secret = "a secret that is long enough for HS256";
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

function times<Made>(count: number, make: (at: number) => Made): Made[] {
  return Array.from({ length: count }, (_, at) => make(at));
}

const connected = (clients: readonly Socket[]): number => clients.filter((client) => client.connected).length;

describe("new connections of one address", () => {
  const test = plain.override({
    clusterOptions: { gateways: 1, admins: 1, env: { ...env, FANFARE_CONNECTS_PER_ADDRESS: "1" } },
  });

  test("come no faster than they may, and are told when to come again; others do not notice", async ({ cluster }) => {
    const node = cluster.gateway(0);
    const answers = await Promise.all(times(40, () => handshake(node, "203.0.113.5")));
    const refused = answers.filter(({ status }) => status === 429);
    // The burst is 5, and on a busy machine some seconds may pass.
    expect(refused.length).toBeGreaterThanOrEqual(20);
    expect(answers.length - refused.length).toBeGreaterThanOrEqual(5);
    expect(await refused[0]?.json()).toMatchObject({ code: "RATE_LIMITED", retryAfterMs: expect.any(Number) });
    expect(Number(refused[0]?.headers.get("retry-after"))).toBeGreaterThan(0);
    for (const address of ["203.0.113.6", "2001:db8::1", undefined]) expect((await handshake(node, address)).status).toBe(200);
    // What a client says of itself in front of the balancer's word is no other address.
    const disguised = await Promise.all(times(20, (at) => handshake(node, `198.51.100.${at}, 203.0.113.5`)));
    expect(disguised.some(({ status }) => status === 429)).toBe(true);
    // A session that is named and taken back is none.
    for (const none of ["&sid=x&sid=", "&sid=x&%73id=", "&sid="]) {
      const answer = await fetch(`${node.url}/socket.io/?EIO=4&transport=polling${none}`, { headers: from("203.0.113.5") });
      expect([none, answer.status]).toEqual([none, 429]);
    }
    // An IPv6 network is one address.
    const neighbours = await Promise.all(times(40, (at) => handshake(node, `2001:db8:0:1::${at.toString(16)}`)));
    expect(neighbours.some(({ status }) => status === 429)).toBe(true);
  });
});

describe("connections at the same time", () => {
  const test = plain.override({
    clusterOptions: {
      gateways: 3,
      admins: 1,
      env: {
        ...env,
        FANFARE_CONNECTIONS_PER_ADDRESS: "12",
        FANFARE_CONNECTIONS_PER_USER: "3",
        FANFARE_REQUESTS_PER_CONNECTION: "20",
        FANFARE_TOKEN_SECRET: secret,
      },
    },
  });

  test("of one address or user are no more than they may be on all nodes together; nor are requests of one", async ({
    cluster,
  }) => {
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

    // The same of one user, whatever its addresses; the one too many is told and stays away.
    const token = await signToken({ secret, user: "ada", ttlSeconds: 60 });
    const bob = await signToken({ secret, user: "bob", ttlSeconds: 60 });
    const via = (at: number): GatewayProcess => cluster.gateway(at % 3);
    for (let at = 0; at < 3; at++) await cluster.client({ via: via(at), token });
    const fourth = await cluster.client({ via: via(3), token, wait: false });
    await until(() => (fourth.connectErrors.length > 0 ? undefined : "not refused"));
    expect(fourth.connectErrors[0]?.data).toMatchObject({ code: "CONNECTIONS_EXCEEDED", retryAfterMs: 10_000 });
    await cluster.client({ via: via(0), token: bob });
    await cluster.client({ via: via(1) });

    // Requests of one connection: answered, put off with a time to wait, and in the end closed for good.
    const chatty = await cluster.client({ via: via(0), transports: ["websocket"] });
    const quiet = await cluster.client({ via: via(0), transports: ["websocket"] });
    const first = await Promise.all(Array.from({ length: 150 }, () => chatty.request("echo", 1)));
    const refused = first.filter(({ ok }) => !ok);
    expect(refused.length).toBeGreaterThan(20);
    expect(first.filter(({ ok }) => ok).length).toBeGreaterThanOrEqual(100);
    expect(refused[0]?.error).toMatchObject({ code: "RATE_LIMITED", retryAfterMs: expect.any(Number) });
    let sent = 0;
    await until(() => {
      for (let burst = 0; burst < 50; burst++, sent++) chatty.socket.emit("echo", 1);
      return chatty.socket.connected ? `still connected after ${sent}` : undefined;
    }, 15_000);
    expect(chatty.noticesOf("fanfare:closing")).toMatchObject([{ code: "RATE_LIMITED", reconnect: false }]);
    expect(chatty.socket.active).toBe(false);
    expect(await quiet.request("echo", 1)).toMatchObject({ ok: true });
  });
});

import type { ReceiptAnswer } from "@fanfare/domain";
import { type Cluster, type TestClient, until } from "@fanfare/test-support";
import { describe, expect } from "vitest";
import { sharing as test } from "./cluster.ts";

/** What the system itself takes off a node for one client that does not read is a few megabytes; this is well beyond. */
const payload = "x".repeat(250_000);
const rules = {
  namespaces: {
    public: { subscribe: "anyone", history: "anyone", retain: { count: 1_000, seconds: 600 } },
    plain: { subscribe: "anyone", retain: { count: 0, seconds: 60 } },
  },
} as const;

/** Stops or goes on reading what comes over the client's websocket. */
function reading(client: TestClient, on: boolean): void {
  const { transport } = client.socket.io.engine as unknown as { transport: { ws: { pause(): void; resume(): void } } };
  if (on) transport.ws.resume();
  else transport.ws.pause();
}

/** Publishes, and answers with where its receipt is. */
async function publish(cluster: Cluster, channel: string, data: unknown): Promise<string> {
  const { status, body } = await cluster.admin(0).rest.call("POST", "/v1/publish?receipt=true", { channel, data });
  expect([status, body]).toEqual([200, expect.objectContaining({ channel, receipt: expect.any(String) })]);
  return (body as { receipt: string }).receipt;
}

async function read(cluster: Cluster, path: string): Promise<ReceiptAnswer> {
  const { status, body } = await cluster.admin(0).rest.call("GET", path);
  expect([status, body]).toEqual([200, expect.anything()]);
  const receipt = body as ReceiptAnswer;
  expect(receipt.written + receipt.unsent + receipt.dropped).toBe(receipt.sessions);
  for (const name of ["sessions", "written", "unsent", "dropped", "recovered"] as const) {
    expect(receipt.nodes.reduce((sum, node) => sum + node[name], 0)).toBe(receipt[name]);
  }
  return receipt;
}

/** Waits until a receipt says this, and answers with all that it says. */
async function saying(cluster: Cluster, path: string, wanted: Partial<ReceiptAnswer>): Promise<ReceiptAnswer> {
  let receipt = await read(cluster, path);
  await until(async () => {
    receipt = await read(cluster, path);
    const differs = Object.entries(wanted).some(([name, value]) => {
      return JSON.stringify(receipt[name as keyof ReceiptAnswer]) !== JSON.stringify(value);
    });
    return differs ? `${path} says ${JSON.stringify(receipt)}` : undefined;
  }, 30_000);
  return receipt;
}

const heardOf = (client: TestClient, channel: string): number => client.heard(channel).length;

describe("a receipt", () => {
  test.override({ clusterOptions: { gateways: 3, rules, env: { FANFARE_RECEIPTS_PER_SECOND: "100" } } });

  test("names the nodes that have subscribers, and those of which nothing is known until they have spoken", async ({
    cluster,
  }) => {
    const channel = "public:some";
    const [a, b] = [cluster.gateway(0), cluster.gateway(1)];
    await cluster.client({ via: a, transports: ["websocket"], channels: [channel] });
    await cluster.client({ via: a, transports: ["polling"], channels: [channel] });
    await cluster.client({ via: b, channels: [channel] });
    const [path, nobody] = [await publish(cluster, channel, 1), await publish(cluster, "public:nobody", 1)];
    const receipt = await saying(cluster, path, { sessions: 3, written: 3, nodesMissing: [] });
    const counts = { unsent: 0, dropped: 0, recovered: 0 };
    const nodes = [
      { node: a.node, sessions: 2, written: 2, ...counts },
      { node: b.node, sessions: 1, written: 1, ...counts },
    ].sort((one, other) => (one.node < other.node ? -1 : 1));
    expect(receipt).toMatchObject({ channel, offset: 1, nodes });
    await saying(cluster, nobody, { sessions: 0, nodes: [], nodesMissing: [] });
  });

  test("tells of every publication who was dropped for being slow, and who recovered it", async ({ cluster }) => {
    const channel = "public:slow";
    const others = [
      await cluster.client({ via: cluster.gateway(0), transports: ["websocket"], channels: [channel] }),
      await cluster.client({ via: cluster.gateway(1), transports: ["websocket"], channels: [channel] }),
      await cluster.client({ via: cluster.gateway(1), transports: ["polling"], channels: [channel] }),
    ];
    const slow = await cluster.client({ via: cluster.gateway(2), transports: ["websocket"], channels: [channel] });
    reading(slow, false);
    const paths: string[] = [];
    for (let n = 0; n < 60; n++) {
      paths.push(await publish(cluster, channel, { n, payload }));
      // One by one, so that nobody else is slow.
      await until(() => (others.some((other) => heardOf(other, channel) <= n) ? `${n} is not heard` : undefined));
    }
    // Until its connection is given up, with all that it had not sent.
    await until(async () => {
      const receipts = await Promise.all(paths.map((path) => read(cluster, path)));
      return receipts.every(({ dropped }) => dropped === 0) ? "nothing is dropped" : undefined;
    });

    reading(slow, true);
    await until(() => (heardOf(slow, channel) < 60 ? `heard ${heardOf(slow, channel)} of 60` : undefined));
    expect([slow.connects, slow.recoveries]).toEqual([2, 1]);
    const recovered = slow.publications(channel).map((publication) => publication.recovered);
    expect(recovered.filter(Boolean).length).toBeGreaterThan(20);
    // What the node had in its memory, a mebibyte of it, may have been taken in the last moment before the connection ended.
    const certain = recovered.indexOf(true) - 5;
    expect(certain).toBeGreaterThan(0);
    for (const [n, path] of paths.entries()) {
      const receipt = await saying(cluster, path, { unsent: 0, recovered: Number(recovered[n]), nodesMissing: [] });
      // What it heard at first was written to it, and it was one of four then.
      if (n < certain) expect(receipt).toMatchObject({ sessions: 4, written: 4 });
      // What it heard later was dropped, or came when it was away; or was written, and lost on its way with the connection.
      expect([3, 4]).toContain(receipt.written);
      if (recovered[n]) expect(receipt.written + receipt.recovered).toBeGreaterThanOrEqual(4);
    }
  });

  test("is refused where there is nothing that it could be about", async ({ cluster }) => {
    const { rest } = cluster.admin(0);
    const refused = await rest.call("POST", "/v1/publish?receipt=true", { channel: "plain:a", data: 1 });
    expect([refused.status, refused.body]).toEqual([422, expect.objectContaining({ code: "RECEIPT_UNSUPPORTED" })]);
    const unknown = await rest.call("GET", "/v1/publications/public:a/1");
    expect([unknown.status, unknown.body]).toEqual([404, expect.objectContaining({ code: "RECEIPT_UNKNOWN" })]);
  });

  test("names a node that was killed before it could say, and counts who was recovered elsewhere", async ({ cluster }) => {
    const channel = "public:killed";
    const lost = cluster.gateway(2);
    await cluster.client({ via: cluster.gateway(0), transports: ["websocket"], channels: [channel] });
    const clients = await Promise.all(Array.from({ length: 6 }, () => cluster.client({ channels: [channel] })));
    const nodeOf = async (client: TestClient) => (await client.request("whoami")).node;
    const nodes = await Promise.all(clients.map(nodeOf));
    const moved = clients.filter((_, index) => nodes[index] === lost.node);
    expect(moved.length).toBeGreaterThan(0);
    const stayed = 1 + clients.length - moved.length;

    lost.signal("SIGSTOP");
    const path = await publish(cluster, channel, 1);
    await saying(cluster, path, { sessions: stayed, written: stayed, recovered: 0, nodesMissing: [lost.node] });
    await cluster.kill(lost, "SIGKILL");
    const receipt = await saying(cluster, path, { recovered: moved.length });
    expect(receipt).toMatchObject({ sessions: stayed, written: stayed, nodesMissing: [lost.node] });
    for (const client of clients) expect(client.heard(channel)).toEqual([1]);

    // Once its lease is over it is spoken of no more.
    await until(async () => {
      const { nodesMissing } = await read(cluster, await publish(cluster, channel, 2));
      return nodesMissing.includes(lost.node) ? "it is missed still" : undefined;
    });
  });

  test("does not miss a node that was stopped and has sent its clients to others", async ({ cluster }) => {
    const channel = "public:stopped";
    const clients = await Promise.all(Array.from({ length: 6 }, () => cluster.client({ channels: [channel] })));
    await saying(cluster, await publish(cluster, channel, 1), { sessions: 6, written: 6, nodesMissing: [] });
    expect(await cluster.kill(cluster.gateway(2), "SIGTERM")).toBe("exit 0");
    // Within a node's lease: it may have been there still, for all that anybody else knows.
    const path = await publish(cluster, channel, 2);
    await saying(cluster, path, { unsent: 0, nodesMissing: [] });
    await until(() => (clients.some((client) => heardOf(client, channel) < 2) ? "not everybody has heard it" : undefined));
    const { written, recovered } = await read(cluster, path);
    expect(written + recovered).toBeLessThanOrEqual(6);
  });
});

describe("a receipt of what a client has not taken yet", () => {
  test.override({ clusterOptions: { gateways: 2, rules, env: { FANFARE_BUFFER_BYTES_MAX: "100000000" } } });

  test("says unsent until it is, and dropped when the node is killed before", async ({ cluster }) => {
    const channel = "public:unsent";
    const [lost, other] = [cluster.gateway(0), cluster.gateway(1)];
    const [one, two] = [
      await cluster.client({ via: lost, transports: ["websocket"], channels: [channel] }),
      await cluster.client({ via: lost, transports: ["websocket"], channels: [channel] }),
    ];
    await cluster.client({ via: other, transports: ["polling"], channels: [channel] });
    for (const client of [one, two]) reading(client, false);
    for (let n = 0; n < 40; n++) await cluster.publish(channel, { n, payload });
    const path = await publish(cluster, channel, "last");
    await saying(cluster, path, { sessions: 3, written: 1, unsent: 2, dropped: 0 });
    reading(one, true);
    await until(() => (one.heard(channel).includes("last") ? undefined : "it has not heard it"));
    await saying(cluster, path, { sessions: 3, written: 2, unsent: 1, dropped: 0 });

    await cluster.kill(lost, "SIGKILL");
    const receipt = await saying(cluster, path, { written: 2, unsent: 0, dropped: 1, recovered: 0 });
    expect(receipt.nodesMissing).toEqual([]);
  });
});

import { until } from "@fanfare/test-support";
import { expect } from "vitest";
import { test } from "./cluster.ts";

const channel = "public:a";
/** The topics that nodes listen to: a channel's, and the one that all nodes of the main namespace share. */
const topics = ["fanfare#/#{0}public:a#", "fanfare#/#"];

/** A broadcast as the stock sharded adapter and its emitters send it. */
function broadcast(packet: unknown, opts: unknown = { rooms: ["{0}public:a"], except: [], flags: {} }): string {
  return JSON.stringify({ uid: "stranger", nsp: "/", type: 3, data: { opts, packet } });
}

test("what stock adapters and emitters say to a channel's room is delivered as it is", async ({ cluster }) => {
  const clients = await Promise.all([0, 1].map((node) => cluster.client({ via: cluster.gateway(node), channels: [channel] })));
  const stranger = await cluster.client({ channels: ["public:b"] });
  await cluster.redis.cli("spublish", topics[0] ?? "", broadcast({ type: 2, data: ["headline", { n: 1 }, "text"], nsp: "/" }));
  for (const client of clients) {
    await until(() => (client.noticesOf("headline").length > 0 ? undefined : "the foreign broadcast did not come"));
    expect(client.noticesOf("headline")).toEqual([[{ n: 1 }, "text"]]);
  }
  await cluster.publish(channel, "ours");
  await until(() => (clients.every((client) => client.heard(channel).length === 1) ? undefined : "ours did not come"));
  expect(stranger.noticesOf("headline")).toEqual([]);
});

test("garbage in Redis's pub/sub ends no process, disturbs no subscriber and is counted", async ({ cluster }) => {
  const clients = await Promise.all([0, 1].map((node) => cluster.client({ via: cluster.gateway(node), channels: [channel] })));
  await cluster.publish(channel, 1);
  const packet = { type: 2, data: ["headline", 1], nsp: "/" };
  const garbage: (string | Buffer)[] = [
    "",
    "x",
    "null",
    "{}",
    "[]",
    "{",
    '{"uid":"x"}',
    '{"uid":"x","nsp":"/","type":3}',
    '{"uid":"x","nsp":"/","type":3,"data":{}}',
    '{"uid":"x","nsp":"/","type":3,"data":{"packet":{"type":2,"data":["a"],"nsp":"/"}}}',
    '{"uid":"x","nsp":"/","type":3,"data":{"opts":{"rooms":7},"packet":null}}',
    ...[0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 99, "x"].map((type) => JSON.stringify({ uid: "x", nsp: "/", type, data: {} })),
    ...[0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12].map((type) => JSON.stringify({ uid: "x", nsp: "/", type })),
    broadcast(null),
    broadcast({ type: 2, nsp: "/other", data: ["elsewhere"] }),
    broadcast(packet, null),
    broadcast(packet, { rooms: [["deep"]], except: {} }),
    Buffer.alloc(1_000, 0xff),
    Buffer.from("deadbeef00c1", "hex"),
    Buffer.from(`{"uid":"x","nsp":"/","type":3,"data":"\ud800"}`, "latin1"),
    '{"fanfare":',
    '{"fanfare":"',
    '{"fanfare":"1:',
    '{"fanfare":"1:0:l::e:1:1:0"',
    '{"fanfare":"2:0:l::e:1:1:0"}}}',
    '{"fanfare":"1:999999:l::e:1:1:0"}}}',
    `{"fanfare":"1:0:l::${"e".repeat(5_000)}:1:1:0"[]}}}`,
    '{"fanfare":"1:0:l::e:9999999999999999:9999999999999999:0',
    `{"fanfare":"1:0:bl::e:1:1:0"[${"x".repeat(100)}]}}}`,
  ];
  const before = await garbageCounted(cluster.gateway(0).peerPort);
  for (const message of garbage) for (const topic of topics) await cluster.redis.cli("spublish", topic, message);
  await cluster.publish(channel, 2, 3);
  for (const client of clients) {
    await until(() => (client.heard(channel).length === 3 ? undefined : `heard ${client.heard(channel)}`));
    expect(client.heard(channel)).toEqual([1, 2, 3]);
    expect([client.connects, client.resets()]).toEqual([1, []]);
  }
  for (const { label, alive } of [...cluster.gateways, ...cluster.admins]) expect([label, alive]).toEqual([label, true]);
  expect(await garbageCounted(cluster.gateway(0).peerPort)).toBeGreaterThan(before + 20);
});

async function garbageCounted(peerPort: number): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${peerPort}/metrics`)).text();
  return Number(/^fanfare_announcements_total\{[^}]*outcome="garbage"[^}]*\} (\d+)/m.exec(text)?.[1] ?? 0);
}

test("an announcement of what the broker does not have is dropped, and the node goes on", async ({ cluster }) => {
  const node = cluster.gateway(0);
  const client = await cluster.client({ via: node, channels: [channel] });
  const [first] = await cluster.publish(channel, 1);
  // What a failover takes back after it was announced looks the same: a gap that no log will ever fill.
  const hourAhead = (Date.now() + 3_600_000) * 1_000;
  const args = `["message",9,{"channel":"${channel}","offset":100,"epoch":"${first?.epoch}","at":1},null]`;
  const announcement = `{"fanfare":"1:0:l::${first?.epoch}:100:${hourAhead}:5"${args}}}}`;
  await cluster.redis.cli("spublish", topics[0] ?? "", announcement);
  await cluster.publish(channel, 2);
  await until(() => (client.heard(channel).length === 2 ? undefined : `heard ${client.heard(channel)}`));
  await until(async () => {
    const { status } = await fetch(`http://127.0.0.1:${node.peerPort}/readyz`);
    return status === 200 ? undefined : "the node is not ready: it looks for the missing ones, thousands of times a second";
  });
});

test("a stock broadcast of a packet that stock clients cannot read is garbage, and sends nobody away", async ({ cluster }) => {
  const client = await cluster.client({ via: cluster.gateway(0), channels: [channel] });
  for (const packet of [
    { type: 99, nsp: "/" },
    { type: 2, nsp: "/", data: [] },
  ]) {
    await cluster.redis.cli("spublish", topics[0] ?? "", broadcast(packet));
  }
  await cluster.publish(channel, 1);
  await until(() => (client.heard(channel).length === 1 ? undefined : "the publication did not come"));
  expect(client.connects).toBe(1);
});

test("what a node is told about its sessions by whoever may publish closes none of them", async ({ cluster }) => {
  const client = await cluster.client({ via: cluster.gateway(0), transports: ["websocket"], channels: [channel] });
  const { id, node } = client.noticesOf("fanfare:welcome").at(-1) as { id: string; node: string };
  const topic = `fanfare#node#{0}${node}#`;
  for (const message of [{ close: id, turn: 99 }, { close: id, turn: 1e308 }, { compare: "revocations" }]) {
    expect(Number(await cluster.redis.cli("spublish", topic, JSON.stringify(message)))).toBe(1);
    await cluster.publish(channel, message);
    // A round trip to the broker behind the one that the node makes before it believes anything.
    expect(await client.request("history", { channel })).toMatchObject({ ok: true });
  }
  await until(() => (client.heard(channel).length === 3 ? undefined : `heard ${client.heard(channel).length}`));
  expect(client.connects).toBe(1);
});

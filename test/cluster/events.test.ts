import { type Cluster, startCluster, type TestClient, until } from "@fanfare/test-support";
import { afterAll, beforeAll, expect, onTestFailed, test } from "vitest";
import { EventListener, type Told } from "./event-listener.ts";
import { tokenOf, tokenSecret } from "./tokens.ts";

/* One cluster for all tests, which follow one another: the last one kills a node. */
let cluster: Cluster;
let all: EventListener;
const listeners: EventListener[] = [];
beforeAll(async () => {
  cluster = await startCluster({ gateways: 2, env: { FANFARE_TOKEN_SECRET: tokenSecret } });
  all = await listen("?after=0-0");
});
afterAll(async () => {
  for (const listener of listeners) listener.close();
  await cluster.stop();
});

async function listen(query = "", lastEventId?: string): Promise<EventListener> {
  const listener = await EventListener.open(cluster.admin(0).rest, query, lastEventId);
  listeners.push(listener);
  return listener;
}

const clientOf = (user: string, on = 0): Promise<TestClient> =>
  cluster.client({ via: cluster.gateway(on), transports: ["websocket"], token: tokenOf({ sub: user }) });

/** Until this has been told, in this order, whatever else comes between. */
async function untilTold(listener: EventListener, ...expected: readonly Partial<Told>[]): Promise<void> {
  onTestFailed(() => console.error(cluster.log()));
  await until(() => {
    let next = 0;
    for (const event of listener.told) {
      const fits = Object.entries(expected[next] ?? { type: "" }).every(([key, value]) => event[key as keyof Told] === value);
      if (fits) next++;
    }
    return next === expected.length
      ? undefined
      : `not told ${JSON.stringify(expected[next])} after ${JSON.stringify(listener.told.slice(-12))}`;
  }, 12_000);
}

test("nodes join, clients come, subscribe, unsubscribe and go, and channels are occupied and vacated", async () => {
  await untilTold(all, { type: "node_joined" }, { type: "node_joined" });
  const ada = await clientOf("ada");
  const connection = String(ada.socket.id);
  await ada.subscribe("public:a");
  await untilTold(all, { type: "channel_occupied", channel: "public:a" });
  await ada.request("unsubscribe", "public:a");
  await ada.subscribe("public:b");
  await untilTold(all, { type: "channel_occupied", channel: "public:b" });
  ada.close();
  const { node } = cluster.gateway(0);
  await untilTold(
    all,
    { type: "connected", connection, user: "ada", node, transport: "websocket", recovered: false },
    { type: "subscribed", connection, user: "ada", channel: "public:a" },
    { type: "unsubscribed", connection, channel: "public:a" },
    { type: "disconnected", connection, user: "ada", reason: "client namespace disconnect" },
    { type: "channel_vacated", channel: "public:b" },
  );
  // A disconnect says it for all of them.
  expect(all.told.filter(({ type, channel }) => type === "unsubscribed" && channel === "public:b")).toEqual([]);
  expect(all.told.filter(({ channel, type }) => type.startsWith("channel_") && channel === "public:b")).toHaveLength(2);
});

test("a stream that breaks goes on with the last id, without a hole and without a double", async () => {
  const first = await listen();
  const ada = await clientOf("ada");
  await untilTold(first, { type: "connected", user: "ada" });
  first.close();
  const connection = String(ada.socket.id);
  ada.close();
  await untilTold(all, { type: "disconnected", connection });
  const second = await listen("", first.lastEventId);
  const bob = await clientOf("bob");
  await untilTold(second, { type: "disconnected", connection }, { type: "connected", user: "bob" });
  const ids = [...first.told, ...second.told].flatMap(({ id }) => id ?? []);
  const whole = all.told.flatMap(({ id }) => id ?? []);
  const from = whole.indexOf(ids[0] ?? "");
  expect(ids).toEqual(whole.slice(from, from + ids.length));
  bob.close();
});

test("filters narrow the stream, and the rates come every second", async () => {
  const filtered = await listen("?types=subscribed,rates&channel=public:x*");
  const ofBob = await listen("?user=bob");
  const rates = await listen("?types=rates");
  const [ada, bob] = await Promise.all([clientOf("ada"), clientOf("bob", 1)]);
  await ada.subscribe("public:xyz");
  await bob.subscribe("public:y");
  await untilTold(filtered, { type: "subscribed", channel: "public:xyz" });
  await untilTold(ofBob, { type: "connected" }, { type: "subscribed", channel: "public:y" });
  await untilTold(rates, { type: "rates" }, { type: "rates" });
  expect(filtered.told.map(({ channel }) => channel)).toEqual(["public:xyz"]);
  expect(new Set(ofBob.told.map(({ user }) => user))).toEqual(new Set(["bob"]));
  ada.close();
  bob.close();
});

test("a node that drains says so, and of one that is killed a survivor says what became of its clients, once", async () => {
  const third = await cluster.addGateway();
  await cluster.kill(third, "SIGTERM");
  await untilTold(
    all,
    { type: "node_joined", node: third.node },
    { type: "node_draining", node: third.node },
    { type: "node_left", node: third.node, reason: "drained" },
  );
  const fourth = await cluster.addGateway();
  const ada = await cluster.client({ via: fourth, transports: ["websocket"], channels: ["public:k"] });
  ada.socket.io.reconnection(false);
  const connection = String(ada.socket.id);
  await untilTold(all, { type: "channel_occupied", channel: "public:k" });
  await cluster.kill(fourth, "SIGKILL");
  await untilTold(all, { type: "disconnected", connection, node: fourth.node, reason: "node_lost" });
  await untilTold(all, { type: "node_left", node: fourth.node, reason: "lost" });
  await untilTold(all, { type: "channel_vacated", channel: "public:k" });
  const ends = all.told.filter((event) => event.type === "disconnected" && event.connection === connection);
  expect(ends).toHaveLength(1);
});

test("after Redis has come back empty the streams go on, and say that there is a gap", async () => {
  await cluster.redis.cli("flushall");
  const ada = await clientOf("ada");
  await untilTold(all, { type: "gap" }, { type: "connected", user: "ada", connection: String(ada.socket.id) });
});

import { EventEmitter } from "node:events";
import { trustedProxies } from "@fanfare/access";
import { openBackend } from "@fanfare/broker";
import { channelName, FanfareError, type Registry, type RegistryBatch, roomOf } from "@fanfare/domain";
import { createLog, createMetrics } from "@fanfare/telemetry";
import type { Namespace } from "socket.io";
import { expect, test } from "vitest";
import { RegistryKeeper } from "./registry.ts";
import type { ClientSocket } from "./session.ts";

const news = channelName("news");
const log = createLog({ name: "gateway", level: "silent" });

/** As much of a socket as the keeper sees. */
class FakeSocket {
  readonly data = {};
  readonly rooms = new Set<string>();
  readonly handshake: unknown;
  readonly conn = Object.assign(new EventEmitter(), { transport: { name: "websocket" }, writeBuffer: [] as { data: string }[] });
  readonly id: string;

  constructor(id: string, headers: Readonly<Record<string, string>> = {}) {
    this.id = id;
    this.handshake = { address: "10.0.0.1", headers };
  }
}

/** A keeper on a registry of its own in memory, with time that is moved by hand. */
function scene(node = "a", registry: Registry = openBackend({ cluster: "test", log }).registry) {
  let now = 0;
  let due: { readonly atMs: number; readonly task: () => void } | undefined;
  const batches: RegistryBatch[] = [];
  const state = { away: false };
  const watched: Registry = Object.assign(Object.create(registry) as Registry, {
    async write(batch: RegistryBatch, leaseMs: number) {
      if (state.away) throw new FanfareError("BROKER_UNAVAILABLE");
      batches.push(batch);
      return registry.write(batch, leaseMs);
    },
    idsOf: registry.idsOf.bind(registry),
    report: registry.report.bind(registry),
    sweep: registry.sweep.bind(registry),
    leave: registry.leave.bind(registry),
  });
  const clock = {
    now: () => now,
    monotonic: () => now,
    after(ms: number, task: () => void) {
      due = { atMs: now + ms, task };
      return () => {
        due = undefined;
      };
    },
  };
  const adapter = new EventEmitter();
  const namespace = Object.assign(new EventEmitter(), { adapter });
  const keeper = new RegistryKeeper({
    registry: watched,
    fanout: { canaryAgeMs: undefined, channelsOf: ({ rooms }) => [...rooms].map((room) => channelName(room.slice(3))) },
    turnOf: () => 1,
    trusted: trustedProxies(["10.0.0.0/8"]),
    node,
    clock,
    log,
    metrics: createMetrics({ app: "gateway" }),
  });
  return {
    keeper,
    registry,
    batches,
    state,
    start: () => keeper.attach(namespace as unknown as Namespace),
    async pass(ms: number) {
      for (const end = now + ms; now < end; ) {
        now += 500;
        if (due !== undefined && due.atMs <= now) due.task();
        // Everything in memory is settled by then.
        await new Promise(setImmediate);
      }
    },
    connect(id: string, headers?: Readonly<Record<string, string>>) {
      const socket = new FakeSocket(id, headers);
      namespace.emit("connection", socket);
      return socket;
    },
    join(socket: FakeSocket) {
      socket.rooms.add(roomOf(news, 0));
      adapter.emit("join-room", roomOf(news, 0), socket.id);
    },
    over: (socket: FakeSocket) => keeper.over(socket as unknown as ClientSocket),
    ids: async () => (await registry.idsOf(node, { limit: 100 })).items,
  };
}

test("everything that happens within a period is one batch, as it stands at its end", async () => {
  const { start, connect, join, over, pass, batches, registry } = scene();
  await start();
  const before = batches.length;
  const [one, two] = [connect("1", { "x-forwarded-for": "203.0.113.9", "user-agent": "u".repeat(300) }), connect("2")];
  join(one);
  join(two);
  over(two);
  await pass(500);
  expect(batches.length - before).toBe(1);
  expect(await registry.connection("1")).toEqual({
    id: "1",
    user: null,
    node: "a",
    transport: "websocket",
    address: "203.0.113.9",
    client: "u".repeat(200),
    since: 0,
    channels: [news],
    unsentBytes: 0,
  });
  expect(await registry.connection("2")).toBeUndefined();
});

test("nothing is written while nothing happens, but for the lease", async () => {
  const { start, connect, pass, batches } = scene();
  await start();
  connect("1");
  await pass(2_000);
  const before = batches.length;
  await pass(8_000);
  expect(batches.slice(before).map(({ changed, gone }) => [changed.length, gone.length])).toEqual(Array(4).fill([0, 0]));
});

test("unsent bytes are looked at with the lease, and written when they have changed", async () => {
  const { start, connect, pass, registry } = scene();
  await start();
  const { conn } = connect("1");
  conn.writeBuffer = [{ data: "x".repeat(1_000) }];
  await pass(2_500);
  expect((await registry.connection("1"))?.unsentBytes).toBeGreaterThanOrEqual(1_000);
  conn.writeBuffer = [];
  await pass(2_500);
  expect((await registry.connection("1"))?.unsentBytes).toBe(0);
});

test("a thousand connections are written in bounded batches, and the node is not missing meanwhile", async () => {
  const { start, connect, pass, batches, registry } = scene();
  await start();
  for (let number = 0; number < 1_000; number++) connect(`${number}`);
  await pass(500);
  expect((await registry.totals()).connections).toBe(1_000);
  expect(Math.max(...batches.map(({ changed }) => changed.length))).toBeLessThanOrEqual(100);
  expect(await registry.missing(["a"])).toEqual([]);
});

test("after the broker was away everything is said again, also what ended meanwhile", async () => {
  const { start, connect, over, pass, state, ids, registry } = scene();
  await start();
  const [one] = [connect("1"), connect("2")];
  await pass(500);
  state.away = true;
  over(one);
  connect("3");
  await pass(3_000);
  expect(await ids()).toEqual(["1", "2"]);
  state.away = false;
  await pass(1_000);
  expect(await ids()).toEqual(["2", "3"]);
  expect(await registry.missing(["a"])).toEqual([]);
});

test("a node that finds another state than it left removes what it does not have and adds what is lacking", async () => {
  const { start, connect, pass, ids, registry } = scene();
  await start();
  connect("1");
  await pass(500);
  const about = { user: null, transport: "polling", address: "", since: 0, channels: [], unsentBytes: 0 } as const;
  const changed = [{ connection: { ...about, id: "old" }, turn: 1 }];
  const other = { node: "a", after: undefined, stamp: "another process", complete: true, changed, gone: ["1"] };
  await registry.write(other, 60_000);
  await pass(2_500);
  expect(await ids()).toEqual(["1"]);
});

test("a socket that has been replaced under its id does not take the id away", async () => {
  const { start, connect, over, pass, ids } = scene();
  await start();
  const zombie = connect("1");
  connect("1");
  over(zombie);
  await pass(500);
  expect(await ids()).toEqual(["1"]);
});

test("a node that ends is gone with its connections", async () => {
  const { start, connect, pass, keeper, registry } = scene();
  await start();
  connect("1");
  await pass(500);
  await keeper.end();
  expect([await registry.totals(), await registry.missing([])]).toEqual([{ connections: 0, channels: 0, users: 0 }, []]);
});

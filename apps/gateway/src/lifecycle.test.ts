import { EventEmitter } from "node:events";
import { openBackend } from "@fanfare/broker";
import { type ConnectionRecord, channelName, FanfareError, type LifecycleLog, lifecycleStart, roomOf } from "@fanfare/domain";
import { createLog, createMetrics } from "@fanfare/telemetry";
import type { Namespace } from "socket.io";
import { expect, test } from "vitest";
import { type EventsLevel, LifecycleWriter } from "./lifecycle.ts";
import type { ClientSocket } from "./session.ts";

const news = channelName("news");
const room = roomOf(news, 0);
const log = createLog({ name: "gateway", level: "silent" });

/** A writer on a log of its own in memory, with time that is moved by hand. */
function scene(level: EventsLevel = "all") {
  const backend = openBackend({ cluster: "test", log });
  let now = 0;
  let due: { readonly atMs: number; readonly task: () => void } | undefined;
  const state = { away: false, answers: true, subscribers: 0 };
  const lifecycle: LifecycleLog = Object.assign(Object.create(backend.lifecycle) as LifecycleLog, {
    async append(...batch: Parameters<LifecycleLog["append"]>) {
      if (state.away) throw new FanfareError("BROKER_UNAVAILABLE");
      await backend.lifecycle.append(...batch);
      if (!state.answers) throw new FanfareError("BROKER_UNAVAILABLE");
    },
  });
  const metrics = createMetrics({ app: "gateway" });
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
  const adapter = Object.assign(new EventEmitter(), { rooms: new Map<string, Set<string>>() });
  const sockets = new Map<string, unknown>();
  const namespace = Object.assign(new EventEmitter(), { adapter, sockets });
  const registry = { subscribers: async () => state.subscribers };
  const writer = new LifecycleWriter({ lifecycle, registry, level, node: "a", clock, log, metrics });
  writer.attach(namespace as unknown as Namespace, () => room);
  return {
    writer,
    state,
    metrics,
    async pass(ms: number) {
      for (const end = now + ms; now < end; ) {
        now += 250;
        if (due !== undefined && due.atMs <= now) due.task();
        // Everything in memory is settled by then.
        await new Promise(setImmediate);
      }
    },
    connect(id: string) {
      const socket = { id, data: {}, recovered: false, conn: { transport: { name: "websocket" } } } as unknown as ClientSocket;
      sockets.set(id, socket);
      namespace.emit("connection", socket);
      return socket;
    },
    join(id: string) {
      if (!adapter.rooms.has(room)) adapter.emit("create-room", room);
      adapter.rooms.set(room, new Set([id]));
      adapter.emit("join-room", room, id);
    },
    leave(id: string) {
      adapter.rooms.delete(room);
      adapter.emit("leave-room", room, id);
      adapter.emit("delete-room", room);
    },
    types: async () =>
      (await backend.lifecycle.read(lifecycleStart, 100_000)).events.map(({ type, connection = "" }) =>
        `${type} ${connection}`.trim(),
      ),
  };
}

test("what happens is written in its order, a quarter of a second later", async () => {
  const { connect, join, leave, pass, types } = scene();
  connect("1");
  join("1");
  leave("1");
  expect(await types()).toEqual([]);
  await pass(250);
  expect(await types()).toEqual(["connected 1", "subscribed 1", "unsubscribed 1"]);
});

test("a disconnect ends subscriptions without a word about each", async () => {
  const { connect, join, leave, writer, pass, types } = scene();
  const socket = connect("1");
  join("1");
  leave("1");
  writer.over(socket, "transport close");
  await pass(250);
  expect(await types()).toEqual(["connected 1", "subscribed 1", "disconnected 1"]);
});

test("a batch of which nobody knows whether it was stored stands there once", async () => {
  const { connect, state, pass, types } = scene();
  state.answers = false;
  connect("1");
  await pass(500);
  connect("2");
  state.answers = true;
  await pass(2_000);
  expect(await types()).toEqual(["connected 1", "connected 2"]);
});

test("while the broker is away events are kept, and the oldest of too many are given up and counted", async () => {
  const { writer, state, metrics, pass, types } = scene();
  state.away = true;
  const record: ConnectionRecord = {
    id: "x",
    user: null,
    node: "b",
    transport: "polling",
    address: "",
    since: 0,
    channels: [],
    unsentBytes: 0,
  };
  for (let at = 0; at < 30_000; at++) writer.lost([{ ...record, id: String(at) }]);
  await pass(2_000);
  state.away = false;
  await pass(60_000);
  const written = await types();
  expect(written.at(-1)).toBe("disconnected 29999");
  const [dropped] = (await metrics.lifecycleDropped.get()).values;
  expect(written.length + (dropped?.value ?? 0)).toBe(30_000);
  expect(dropped?.value).toBeGreaterThan(0);
}, 20_000);

test("a channel is told of when it has been what it is for a while, and not when it comes and goes", async () => {
  const { connect, join, leave, pass, state, types } = scene();
  const channels = async () => (await types()).filter((type) => type.startsWith("channel_"));
  connect("1");
  for (let times = 0; times < 5; times++) {
    join("1");
    await pass(250);
    leave("1");
    await pass(250);
  }
  join("1");
  expect(await channels()).toEqual([]);
  await pass(2_000);
  expect(await channels()).toEqual(["channel_occupied"]);
  // The registry still has somebody, who is gone when it is asked again.
  state.subscribers = 1;
  leave("1");
  await pass(3_000);
  expect(await channels()).toEqual(["channel_occupied"]);
  state.subscribers = 0;
  await pass(6_000);
  expect(await channels()).toEqual(["channel_occupied", "channel_vacated"]);
});

test.each([
  ["connections", ["node_joined", "connected 1", "disconnected 1"]],
  ["nodes", ["node_joined"]],
  ["off", []],
] as const)("FANFARE_EVENTS=%s writes %j", async (level, expected) => {
  const { connect, join, writer, pass, types } = scene(level);
  writer.node("node_joined");
  const socket = connect("1");
  join("1");
  writer.over(socket, "transport close");
  await pass(5_000);
  expect(await types()).toEqual(expected);
});

test("what is left is written when the node ends", async () => {
  const { writer, types } = scene();
  writer.node("node_left", "a", "drained");
  await writer.end();
  expect(await types()).toEqual(["node_left"]);
});

import { connect, createServer, type Server, Socket } from "node:net";
import { ManualClock, startRedis, type TestRedis, until } from "@fanfare/test-support";
import { afterEach, beforeEach, expect, test } from "vitest";
import { quiet } from "../test/quiet.ts";
import { Topology } from "./topology.ts";
import type { Address, ServerView } from "./view.ts";

// Who is asked is a real Redis; what it sees is said by the test.

const everything = [[0, 16_383]] as const;
let redis: TestRedis;
let listener: Server;
let clock: ManualClock;
let topology: Topology;
let view: readonly ServerView[];
let looks: number;
const sockets: Socket[] = [];

beforeEach(async () => {
  redis = await startRedis({ port: true });
  listener = createServer((socket) => void sockets.push(socket.resume()));
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  clock = new ManualClock();
  looks = 0;
  view = seen("a", 1);
  const seed = { host: "127.0.0.1", port: Number(new URL(redis.url).port) };
  const look = async (_client: unknown, asked: Address) => {
    looks++;
    return { servers: view, knowing: [asked] };
  };
  topology = new Topology({ seeds: [{ host: "127.0.0.1", port: 1 }, seed], login: {}, look, log: quiet, clock });
});
afterEach(async () => {
  topology.close();
  for (const socket of sockets.splice(0)) socket.destroy();
  listener.close();
  await redis.stop();
});

/** Two servers, of which one is the primary, as of an epoch. */
function seen(primary: "a" | "b", epoch: number): ServerView[] {
  return ["a", "b"].map((id) => ({ id, host: id, port: 1, epoch, slots: id === primary ? everything : [] }));
}

/** A connection that was made because the view of this moment names its server. */
async function followed(): Promise<Socket> {
  const address = listener.address();
  const socket = connect(typeof address === "object" && address !== null ? address.port : 0, "127.0.0.1");
  sockets.push(socket);
  topology.follow(7, await topology.primaryOf(7), socket);
  return socket;
}

/** Lets the view be renewed once. */
async function renewed(): Promise<void> {
  const before = looks;
  await until(() => (clock.pending > 0 ? undefined : "nothing is due"));
  clock.advance(2_000);
  await until(() => (looks > before ? undefined : "it was not looked"));
  await until(() => (clock.pending > 0 ? undefined : "the renewal is not over"));
}

test("a connection is cut once its server is no longer the primary, although the server says nothing of it", async () => {
  const socket = await followed();
  await renewed();
  expect(socket.destroyed).toBe(false);
  view = seen("b", 2);
  await renewed();
  expect(socket.destroyed).toBe(true);
  expect(await topology.primaryOf(7)).toMatchObject({ id: "b" });
});

test("one that leads to the new primary stays, also when somebody still tells of the old one", async () => {
  await followed();
  view = seen("b", 2);
  const socket = await followed();
  view = seen("a", 1);
  await renewed();
  expect(socket.destroyed).toBe(false);
  expect(await topology.primaryOf(7)).toMatchObject({ id: "b" });
});

test("a connection that was made by a view which is old by then is cut at once", async () => {
  const primary = await topology.primaryOf(7);
  view = seen("b", 2);
  await topology.primaryOf(7);
  const socket = new Socket();
  sockets.push(socket);
  topology.follow(7, primary, socket);
  expect(socket.destroyed).toBe(true);
});

test("while nobody can be asked connections stay where they are, and new ones are refused", async () => {
  const socket = await followed();
  await redis.kill();
  clock.advance(2_000);
  await until(() => (clock.pending > 0 ? undefined : "the renewal is not over"));
  expect(socket.destroyed).toBe(false);
  await expect(topology.primaryOf(7)).rejects.toThrow();
});

test("a slot that nobody serves is refused", async () => {
  view = [{ id: "a", host: "a", port: 1, epoch: 1, slots: [[0, 6]] }];
  await expect(topology.primaryOf(7)).rejects.toThrow("slot 7");
});

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { until } from "@fanfare/test-support";
import { afterEach, expect, test } from "vitest";
import { type ClusterFeed, createClusterFeed, type Told } from "./cluster-feed.ts";

/* A server of events that a test writes and breaks; the real one is heard by the pages of test/browser. */
const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

interface Stage {
  readonly feed: ClusterFeed;
  readonly told: Told[];
  readonly asked: IncomingMessage[];
  /** When. */
  readonly askedAt: number[];
  /** Streams that are open. */
  readonly open: Set<ServerResponse>;
  /** What is answered instead of a stream. */
  status: number;
  /** Whether nothing comes but the headers. */
  silent: boolean;
  leave(): void;
  write(text: string): void;
  wrote(wanted: string): Promise<void>;
}

const event = (id: string) => `id: ${id}\nevent: connected\ndata: {"id":"${id}","type":"connected","node":"a"}\n\n`;

async function stage(silentMs = 20_000): Promise<Stage> {
  const [told, asked, askedAt, open] = [[] as Told[], [] as IncomingMessage[], [] as number[], new Set<ServerResponse>()];
  const http = createServer((request, response) => {
    asked.push(request);
    askedAt.push(performance.now());
    response.writeHead(made.status, { "content-type": "text/event-stream" }).flushHeaders();
    if (made.status !== 200) return response.end();
    open.add(response);
    if (!made.silent) response.write(": here\n\n");
    response.on("close", () => open.delete(response));
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  closers.push(
    () => http.closeAllConnections(),
    () => http.close(),
  );
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}/`;
  const feed = createClusterFeed(
    (lastId, signal) => fetch(url, { signal, headers: lastId === undefined ? {} : { "last-event-id": lastId } }),
    { waitMs: 20, silentMs, lingerMs: 300 },
  );
  const leave = feed.listen((one) => told.push(one));
  closers.push(leave);
  const made: Stage = {
    feed,
    told,
    asked,
    askedAt,
    open,
    status: 200,
    silent: false,
    leave,
    write(text) {
      for (const response of open) response.write(text);
    },
    wrote: (wanted) => until(() => (types(told) === wanted ? undefined : `told ${types(told)}, not ${wanted}`)),
  };
  return made;
}

const types = (told: readonly Told[]) => told.map(({ type }) => type).join(" ");
const opened = ({ open }: Stage) => until(() => (open.size === 1 ? undefined : `${open.size} streams are open`));

test("what comes in pieces is told as a whole, comments are not told, and `gap` and `rates` are", async () => {
  const scene = await stage();
  await opened(scene);
  for (const character of `: here\n\n${event("1-0")}`) scene.write(character);
  scene.write('event: gap\ndata: {}\n\nevent: rates\ndata: {"type":"rates","nodes":2}\n\n');
  await scene.wrote("live connected gap rates");
  expect(scene.told[1]).toEqual({ id: "1-0", type: "connected", node: "a" });
  expect(scene.feed.live).toBe(true);
});

test("a stream that breaks is opened again after the last event that was heard", async () => {
  const scene = await stage();
  await opened(scene);
  scene.write(`${event("1-0") + event("2-0")}event: rates\ndata: {"type":"rates"}\n\n`);
  await scene.wrote("live connected connected rates");
  for (const response of scene.open) response.destroy();
  await until(() => (scene.asked.length === 2 ? undefined : "it was not asked for again"));
  await scene.wrote("live connected connected rates away live");
  expect(scene.asked.map(({ headers }) => headers["last-event-id"])).toEqual([undefined, "2-0"]);
});

test("a stream on which nothing comes is taken for dead; one with comments is not", async () => {
  const scene = await stage(1_000);
  await opened(scene);
  const signs = setInterval(() => scene.write(": here\n\n"), 50);
  closers.push(() => clearInterval(signs));
  const start = performance.now();
  await until(() => (performance.now() - start > 2_000 ? undefined : "twice as long as silence is borne"));
  expect(types(scene.told)).toBe("live");
  clearInterval(signs);
  await until(() => (types(scene.told).startsWith("live away live") ? undefined : `told ${types(scene.told)}`));
});

test("a stream of which nothing but its headers comes is not relied upon", async () => {
  const scene = await stage(300);
  scene.silent = true;
  await opened(scene);
  for (const response of scene.open) response.destroy();
  await until(() => (scene.asked.length >= 3 ? undefined : "it was not given up"));
  expect(types(scene.told)).toMatch(/^(live away)?$/);
});

test("a server that refuses for now is asked again, more and more slowly; one that refuses the key is not", async () => {
  const scene = await stage();
  scene.status = 429;
  await until(() => (scene.asked.length >= 4 ? undefined : `asked ${scene.asked.length} times`));
  const [first = 0, , , fourth = 0] = scene.askedAt;
  // At least half of 20, 40 and 80 ms; three times the first wait would be 60 at the most.
  expect(fourth - first).toBeGreaterThan(65);
  scene.status = 403;
  const before = scene.asked.length;
  await until(() => (scene.asked.length > before ? undefined : "not asked again"));
  const start = performance.now();
  await until(() => (performance.now() - start > 500 ? undefined : "longer than any wait so far"));
  expect([scene.asked.length - before, scene.feed.live, scene.told]).toEqual([1, false, []]);
});

test("whoever listens again at once finds the stream as it was", async () => {
  const scene = await stage();
  await scene.wrote("live");
  for (let times = 0; times < 3; times++) {
    scene.leave();
    scene.leave = scene.feed.listen((one) => scene.told.push(one));
  }
  closers.push(scene.leave);
  const start = performance.now();
  await until(() => (performance.now() - start > 600 ? undefined : "longer than it stays open for nobody"));
  scene.write(event("1-0"));
  await scene.wrote("live connected");
  expect([scene.asked.length, scene.feed.live]).toEqual([1, true]);
});

test("nothing is open once nobody has listened for a moment", async () => {
  const scene = await stage();
  await scene.wrote("live");
  scene.leave();
  await until(() => (scene.open.size === 0 ? undefined : "still open"));
  expect([scene.feed.live, scene.told]).toEqual([false, [{ type: "live" }]]);
  closers.push(scene.feed.listen(() => undefined));
  await opened(scene);
});

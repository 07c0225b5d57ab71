import { readFileSync } from "node:fs";
import { promised, until } from "@fanfare/test-support";
import { expect } from "vitest";
import { WebSocket } from "ws";
import { test as plain } from "../cluster/cluster.ts";

/*
 * Clients that read nothing but answer every ping blindly: on a stock server they pile up memory for as long as they like. A
 * few in npm test; the full row is NON_READERS=200 npx vitest run --project cluster test/hostile/non-readers.test.ts
 */
const count = Number(process.env.NON_READERS ?? 20);
const pingMs = 500;

const test = plain.override({
  clusterOptions: { gateways: 1, env: { FANFARE_PING_INTERVAL_MS: String(pingMs), FANFARE_PING_TIMEOUT_MS: "5000" } },
});

/** About 1 MB in a second, for every subscriber; in npm test three, so that what the kernel takes is full sooner. */
const text = "x".repeat(process.env.NON_READERS === undefined ? 60_000 : 20_000);
const everyMs = 20;
const droppedWithinMs = 5_000;

test(`${count} clients that read nothing are dropped within 5 s of being too far behind, and cost little until then`, {
  timeout: 120_000,
}, async ({ cluster }) => {
  const node = cluster.gateway(0);
  const reader = await cluster.client({ via: node, transports: ["websocket"], channels: ["public:flood"] });
  const calm = await flood(40);
  const before = residentMb(node.pid);

  const droppedAtMs: number[] = [];
  const sockets = await Promise.all(Array.from({ length: count }, () => nonReader(node.port, () => droppedAtMs.push(now()))));
  const tooSlowAtMs: number[] = [];
  let peak = before;
  const look = async (): Promise<void> => {
    peak = Math.max(peak, residentMb(node.pid));
    const known = await droppedForBeingSlow(node.peerPort);
    while (tooSlowAtMs.length < known) tooSlowAtMs.push(now());
  };
  const watch = setInterval(() => void look().catch(() => undefined), 100);
  let stormy: number[] = [];
  try {
    await until(async () => {
      stormy = [...stormy, ...(await flood(25))];
      return droppedAtMs.length === count ? undefined : `${droppedAtMs.length} of ${count} dropped`;
    }, 60_000);
    // The first that is too slow and the first that is dropped are not always the same: the curves are compared.
    const lags = droppedAtMs.map((at, index) => at - (tooSlowAtMs[index] ?? at));
    const p99 = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length * 0.99)] ?? 0;
    console.info(
      `${count} dropped, at most ${Math.round(Math.max(...lags))} ms after being too slow; RSS ${before} → ${peak} MB; ` +
        `delivery to who reads p99 ${p99(calm).toFixed(1)} → ${p99(stormy).toFixed(1)} ms`,
    );
    expect(Math.max(...lags)).toBeLessThan(promised(droppedWithinMs + 1_000));
    expect(peak - before).toBeLessThan(200);
    await until(() => (reader.heard("public:flood").length === published ? undefined : "the reader has not everything"));
    expect(reader.connects).toBe(1);
  } finally {
    clearInterval(watch);
    for (const socket of sockets) socket.terminate();
  }

  /** Publishes so many, one each {@link everyMs}, and answers how long each took to the client that reads. */
  async function flood(times: number): Promise<number[]> {
    const first = published;
    const sentAtMs: number[] = [];
    for (let at = 0; at < times; at++) {
      sentAtMs.push(now());
      published++;
      await cluster.publish("public:flood", { text });
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, everyMs - (now() - (sentAtMs[at] ?? 0)))));
    }
    await until(() => (reader.heard("public:flood").length >= published ? undefined : "the reader is behind"), 10_000);
    return reader
      .publications("public:flood")
      .slice(first)
      .map(({ atMs }, at) => atMs - (sentAtMs[at] ?? 0));
  }
});

test("clients that ask for more and more and read none of the answers are dropped as well", { timeout: 60_000 }, async ({
  cluster,
}) => {
  const node = cluster.gateway(0);
  const reader = await cluster.client({ via: node, transports: ["websocket"] });
  const before = residentMb(node.pid);
  let dropped = 0;
  const sockets = await Promise.all(Array.from({ length: 10 }, () => nonReader(node.port, () => dropped++)));
  let peak = before;
  try {
    // Within the limit of requests, so that nothing else than what is unsent can end them.
    for (let number = 0; number < 300; number++) {
      for (const socket of sockets) socket.send(`42${number}["echo","${text}"]`);
    }
    await until(async () => {
      expect(await reader.request("echo", "still here")).toMatchObject({ ok: true });
      peak = Math.max(peak, residentMb(node.pid));
      return dropped === sockets.length ? undefined : `${dropped} of ${sockets.length} dropped`;
    }, 30_000);
    console.info(`${dropped} dropped; RSS ${before} → ${peak} MB`);
    expect(await droppedForBeingSlow(node.peerPort)).toBe(sockets.length);
    expect(peak - before).toBeLessThan(200);
    expect(reader.connects).toBe(1);
  } finally {
    for (const socket of sockets) socket.terminate();
  }
});

async function droppedForBeingSlow(peerPort: number): Promise<number> {
  const metrics = await (await fetch(`http://127.0.0.1:${peerPort}/metrics`)).text();
  return Number(/^fanfare_slow_clients_total\{[^}]*disconnect[^}]*\} (\d+)/m.exec(metrics)?.[1] ?? 0);
}

let published = 0;

/** A websocket that says pong as often as a ping is due and never looks at what comes. */
async function nonReader(port: number, dropped: () => void): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/socket.io/?EIO=4&transport=websocket`);
  await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
  socket.send('40{"channels":["public:flood"]}');
  await new Promise((resolve) => socket.on("message", (data) => String(data).includes("fanfare:welcome") && resolve(undefined)));
  socket.pause();
  const pongs = setInterval(() => socket.send("3"), pingMs / 2);
  socket.on("error", () => undefined);
  socket.once("close", () => {
    clearInterval(pongs);
    dropped();
  });
  // A paused websocket hears of its end only by its TCP connection.
  (socket as unknown as { _socket: NodeJS.ReadableStream })._socket.once("close", () => socket.terminate());
  return socket;
}

function now(): number {
  return performance.now();
}

function residentMb(pid: number): number {
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1_024);
}

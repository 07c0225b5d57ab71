import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type GatewayProcess, promised, type ServerProcess, startServerProcess, until } from "@fanfare/test-support";
import { describe, expect } from "vitest";
import { WebSocket } from "ws";
import { test } from "./cluster.ts";

/* A node that is told to stop ends within FANFARE_DRAIN_MS, whatever Redis, clients and other nodes do just then. */

const drainMs = 3_000;
const env = { FANFARE_DRAIN_MS: String(drainMs), FANFARE_CLUSTER_SECRET: "of-all-nodes-and-of-nobody-else" };

/** A websocket whose client is there and looks at nothing any more, as a machine that sleeps or swaps. */
async function nonReader(port: number): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/socket.io/?EIO=4&transport=websocket`);
  await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
  socket.send("40");
  await new Promise((resolve) => socket.on("message", (data) => String(data).includes("fanfare:welcome") && resolve(undefined)));
  socket.pause();
  socket.on("error", () => undefined);
  return socket;
}

/** Tells it to stop; how it ended, and after how long. */
async function stopped(process: ServerProcess): Promise<{ end: string; tookMs: number }> {
  const toldMs = performance.now();
  process.signal("SIGTERM");
  const end = await process.ended;
  return { end, tookMs: performance.now() - toldMs };
}

async function expectEndInTime(process: ServerProcess): Promise<void> {
  const { end, tookMs } = await stopped(process);
  expect([end, process.log().filter((line) => line.includes('"level":50'))]).toEqual(["exit 0", []]);
  expect(tookMs).toBeLessThan(promised(drainMs));
}

describe("a node that is told to stop ends in time", () => {
  test.override({ clusterOptions: { gateways: 2, env } });

  test("while clients read nothing and answer no close", async ({ cluster }) => {
    const gateway = cluster.gateway(0);
    const sockets = await Promise.all(Array.from({ length: 20 }, () => nonReader(gateway.port)));
    const reader = await cluster.client({ via: gateway, transports: ["websocket"], channels: ["public:a"] });
    await expectEndInTime(gateway);
    expect(reader.noticesOf("fanfare:closing")).toMatchObject([{ code: "DRAINING", reconnect: true }]);
    for (const socket of sockets) socket.terminate();
  });

  test("while Redis answers nothing", async ({ cluster }) => {
    const gateway = cluster.gateway(0);
    const client = await cluster.client({ via: gateway, transports: ["websocket"], channels: ["public:a"] });
    cluster.redis.pause();
    await expectEndInTime(gateway);
    cluster.redis.resume();
    expect(client.noticesOf("fanfare:closing")).toMatchObject([{ code: "DRAINING", reconnect: true }]);
  });

  test("while another node is frozen at which polls of its clients wait", async ({ cluster }) => {
    const [gateway, other] = [cluster.gateway(0), cluster.gateway(1)];
    const socket = await cluster.client({ via: gateway, transports: ["websocket"], channels: ["public:a"] });
    await pollThrough(gateway, other);
    other.signal("SIGSTOP");
    await expectEndInTime(gateway);
    other.signal("SIGCONT");
    expect(socket.noticesOf("fanfare:closing")).toMatchObject([{ code: "DRAINING", reconnect: true }]);
  });

  test("an admin API does too, while a request goes on and Redis answers nothing", async ({ cluster }) => {
    const admin = cluster.admin(0);
    cluster.redis.pause();
    const caller = connect(admin.port, "127.0.0.1").on("error", () => undefined);
    const key = `authorization: Bearer ${admin.rest.secret}`;
    const head = "POST /v1/publish HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 100\r\n";
    await new Promise<void>((resolve) => caller.write(`${head}${key}\r\n\r\n{`, () => resolve()));
    await expectEndInTime(admin);
    caller.destroy();
    cluster.redis.resume();
  });
});

test("a node and an admin API in one process end in time while clients read nothing", async ({ onTestFinished }) => {
  const cwd = await mkdtemp(join(tmpdir(), "fanfare-drain-"));
  const ports = { FANFARE_HOST: "127.0.0.1", FANFARE_PORT: "0", FANFARE_ADMIN_PORT: "0", FANFARE_PEER_PORT: "0" };
  const serve = await startServerProcess({
    label: "serve",
    command: "serve",
    cwd,
    env: { ...env, ...ports, FANFARE_ZMQ_BIND: "" },
  });
  onTestFinished(async () => {
    await serve.end();
    await rm(cwd, { recursive: true, force: true });
  });
  const sockets = await Promise.all(Array.from({ length: 5 }, () => nonReader(Number(serve.ready.port))));
  await expectEndInTime(serve);
  for (const socket of sockets) socket.terminate();
});

/** A session of `owner` whose poll has come to `through`, and waits at its owner. */
async function pollThrough(through: GatewayProcess, owner: GatewayProcess): Promise<void> {
  const query = "/socket.io/?EIO=4&transport=polling";
  const opened = await (await fetch(`${owner.url}${query}`)).text();
  const { sid } = JSON.parse(opened.slice(1)) as { sid: string };
  const url = `${through.url}${query}&sid=${sid}`;
  await fetch(`${owner.url}${query}&sid=${sid}`, { method: "POST", body: "40" });
  await (await fetch(url)).text();
  void fetch(url).catch(() => undefined);
  await until(async () => {
    const metrics = await (await fetch(`http://127.0.0.1:${through.peerPort}/metrics`)).text();
    const polls = /fanfare_relay_requests_total\{[^}]*kind="poll"[^}]*outcome="forwarded"[^}]*\} (\d+)/.exec(metrics)?.[1];
    return Number(polls) >= 1 ? undefined : "the first poll was not forwarded";
  });
}

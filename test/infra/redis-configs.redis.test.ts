import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openBackend } from "@fanfare/broker";
import { channelName, defaultEvent } from "@fanfare/domain";
import { endWithUs, findRedisServer } from "@fanfare/redis-server";
import { createLog } from "@fanfare/telemetry";
import { freePort, until } from "@fanfare/test-support";
import { Redis } from "ioredis";
import { afterEach, expect, test } from "vitest";
import { inInfra, run, textOf } from "./programs.ts";

const log = createLog({ name: "test", level: "silent" });
const endings: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

interface Server {
  readonly port: number;
  ask(...args: readonly string[]): Promise<unknown>;
  /** SIGTERM, and its end. */
  stop(): Promise<unknown>;
}

/** A folder that goes when the test is over. */
async function folder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "fanfare-redis-config-"));
  endings.push(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

/** Starts the real server with a configuration of infra/redis: only places and ports are other ones. */
async function start(file: string, dir: string, changes: readonly [from: string, to: string][] = []): Promise<Server> {
  const binary = await findRedisServer();
  if (binary === undefined) throw new Error("There is no redis-server on this machine and none can be had.");
  const port = await freePort();
  const placed = (text: string): string => text.replace(/^bind .*$/m, "bind 127.0.0.1").replace(/^dir .*$/m, `dir ${dir}`);
  const standalone = join(dir, `standalone-${port}.conf`);
  await writeFile(standalone, placed(textOf("redis", "standalone.conf")));
  let config = placed(textOf("redis", file)).replace("/etc/redis/standalone.conf", standalone);
  for (const [from, to] of changes) {
    if (!config.includes(from)) throw new Error(`${file} has no ${from}`);
    config = config.replaceAll(from, to);
  }
  const path = join(dir, `${port}.conf`);
  // What comes last holds, also over what an included file has said.
  const sentinel = file === "sentinel.conf";
  await writeFile(path, sentinel ? config.replace(/^port .*$/m, `port ${port}`) : `${config}\nport ${port}\n`);
  const child = spawn(binary.path, sentinel ? [path, "--sentinel"] : [path], {
    cwd: dir,
    env: { ...process.env, ...binary.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  endWithUs(child);
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (text: Buffer) => {
      printed += text;
    });
  }
  const ended = new Promise((done) => child.once("exit", done));
  const stop = (): Promise<unknown> => {
    child.kill("SIGTERM");
    return ended;
  };
  endings.push(stop);
  const client = new Redis({ host: "127.0.0.1", port, retryStrategy: () => 50, lazyConnect: false });
  client.on("error", () => undefined);
  endings.push(async () => client.disconnect());
  const ask = (...[command = "", ...args]: readonly string[]): Promise<unknown> => client.call(command, ...args);
  await until(async () => {
    if (child.exitCode !== null) throw new Error(`${file}: ended with ${child.exitCode}\n${printed}`);
    return client.status === "ready" ? undefined : `${file}: does not answer\n${printed}`;
  }, 10_000);
  return { port, ask, stop };
}

async function settingsOf({ ask }: Server, ...names: readonly string[]): Promise<Record<string, string>> {
  const pairs = await Promise.all(names.map(async (name) => (await ask("config", "get", name)) as [string, string]));
  return Object.fromEntries(pairs);
}

/** Publishes what a node would publish, and reads it back. */
async function works(redisUrl: string): Promise<unknown> {
  const { broker, close } = openBackend({ redisUrl, cluster: "config", log });
  const channel = channelName("news");
  const retain = { count: 10, seconds: 600 };
  try {
    let stored: unknown;
    await until(async () => {
      stored = await broker
        .publish({ channel, event: defaultEvent, payload: { json: "1", binary: false }, id: "once" }, retain)
        .catch((error: unknown) => error);
      return stored instanceof Error ? `nothing is stored: ${stored.message}` : undefined;
    }, 15_000);
    return stored;
  } finally {
    await close();
  }
}

test("standalone: keeps what it was given over a restart, forgets nothing for want of memory, and holds subscribers in bounds", {
  timeout: 60_000,
}, async () => {
  const dir = await folder();
  const first = await start("standalone.conf", dir);
  expect(await settingsOf(first, "appendonly", "appendfsync", "maxmemory-policy", "save")).toEqual({
    appendonly: "yes",
    appendfsync: "everysec",
    "maxmemory-policy": "noeviction",
    save: "",
  });
  expect((await settingsOf(first, "client-output-buffer-limit"))["client-output-buffer-limit"]).toContain(
    `pubsub ${256 * 2 ** 20} ${64 * 2 ** 20} 60`,
  );
  expect(await works(`redis://127.0.0.1:${first.port}`)).toMatchObject({ kind: "stored", position: { offset: 1 } });
  const bin = inInfra("..", "apps", "cli", "bin", "fanfare.mjs");
  // Ends with an error when it would rather not have it.
  const { stdout } = await run("node", [bin, "check", "--redis-url", `redis://127.0.0.1:${first.port}`]);
  for (const row of ["eviction", "persistence", "memory"]) expect(stdout).toMatch(new RegExp(`^ok +${row}`, "m"));
  await first.stop();
  const second = await start("standalone.conf", dir);
  expect(await works(`redis://127.0.0.1:${second.port}`)).toMatchObject({ kind: "duplicate", position: { offset: 1 } });
});

test("Sentinel: a primary alone takes no writes, with a replica it does, and three Sentinels lead nodes to it", {
  timeout: 60_000,
}, async () => {
  const primary = await start("replicated.conf", await folder());
  await expect(primary.ask("set", "a", "1")).rejects.toThrow("NOREPLICAS");
  await start("replicated.conf", await folder(), [
    ["# replicaof redis-1 6379", `replicaof 127.0.0.1 ${primary.port}`],
    ["repl-diskless-sync yes", "repl-diskless-sync yes\nrepl-diskless-sync-delay 0"],
  ]);
  await until(() => primary.ask("set", "a", "1").then(() => undefined, String), 15_000);
  const watched: [string, string][] = [["redis-1 6379", `127.0.0.1 ${primary.port}`]];
  const sentinels: Server[] = [];
  for (let count = 0; count < 3; count++) sentinels.push(await start("sentinel.conf", await folder(), watched));
  const [sentinel] = sentinels;
  expect(await sentinel?.ask("sentinel", "get-master-addr-by-name", "fanfare")).toEqual(["127.0.0.1", String(primary.port)]);
  const url = `redis+sentinel://${sentinels.map(({ port }) => `127.0.0.1:${port}`).join(",")}/fanfare`;
  expect(await works(url)).toMatchObject({ kind: "stored" });
});

test("Cluster: three nodes share the slots, and do not ask that all are there", { timeout: 60_000 }, async () => {
  const nodes: Server[] = [];
  for (let count = 0; count < 3; count++) nodes.push(await start("cluster.conf", await folder()));
  const [first, ...others] = nodes;
  if (first === undefined) throw new Error("no node");
  expect(
    await settingsOf(first, "cluster-require-full-coverage", "cluster-allow-pubsubshard-when-down", "maxmemory-policy"),
  ).toEqual({
    "cluster-require-full-coverage": "no",
    "cluster-allow-pubsubshard-when-down": "no",
    "maxmemory-policy": "noeviction",
  });
  const share = Math.ceil(16_384 / nodes.length);
  for (const [at, node] of nodes.entries()) {
    await node.ask("cluster", "addslotsrange", String(at * share), String(Math.min((at + 1) * share, 16_384) - 1));
    await node.ask("cluster", "set-config-epoch", String(at + 1));
  }
  for (const { port } of others) await first.ask("cluster", "meet", "127.0.0.1", String(port));
  await until(async () => {
    const infos = await Promise.all(nodes.map(({ ask }) => ask("cluster", "info")));
    return infos.every((info) => /cluster_state:ok/.test(String(info)) && /cluster_known_nodes:3/.test(String(info)))
      ? undefined
      : "they do not know each other";
  }, 20_000);
  expect(await works(`redis+cluster://${nodes.map(({ port }) => `127.0.0.1:${port}`).join(",")}`)).toMatchObject({
    kind: "stored",
  });
});

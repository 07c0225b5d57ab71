import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { endWithUs, findRedisServer } from "@fanfare/redis-server";
import { Redis } from "ioredis";
import { freePort, startRedis, type TestRedis } from "./redis.ts";
import { until } from "./until.ts";

export interface StartSentinelOptions {
  readonly replicas?: number;
}

/** A primary with replicas, watched over by three sentinels. */
export interface TestSentinel {
  readonly url: string;
  /** The primary as it was at first, then its replicas. */
  readonly servers: readonly TestRedis[];
  /** The server that the sentinels take for the primary now. */
  primary(): Promise<TestRedis>;
  stop(): Promise<void>;
}

const sentinelCount = 3;
const quorum = 2;
const name = "main";
/** How soon a sentinel gives up a server that is silent. */
const downAfterMs = 1_000;

/** Starts it all on free ports. It ends with the test's process. */
export async function startSentinel({ replicas = 1 }: StartSentinelOptions = {}): Promise<TestSentinel> {
  const dir = await mkdtemp(join(tmpdir(), "fanfare-sentinel-"));
  const servers: TestRedis[] = [];
  const sentinels: Sentinel[] = [];
  const stop = async (): Promise<void> => {
    for (const sentinel of sentinels) await sentinel.stop();
    await Promise.all(servers.map((server) => server.stop()));
    await rm(dir, { recursive: true, force: true });
  };
  const ask = async (...args: readonly string[]): Promise<unknown> => sentinels[0]?.client.call("SENTINEL", ...args);
  try {
    const primary = await startRedis({ port: true, args: ["--repl-diskless-sync-delay", "0"] });
    servers.push(primary);
    for (let count = 0; count < replicas; count++) {
      const args = ["--replicaof", `127.0.0.1 ${portOf(primary)}`, "--repl-diskless-sync-delay", "0"];
      servers.push(await startRedis({ port: true, args }));
    }
    await until(async () => {
      const role = (await primary.cli("role")) as unknown[][];
      return role[2]?.length === replicas ? undefined : "not all replicas follow";
    }, 10_000);
    for (let count = 0; count < sentinelCount; count++) sentinels.push(await startOne(dir, portOf(primary)));
    await until(async () => {
      const [others, followers] = [await ask("sentinels", name), await ask("replicas", name)];
      if ((others as unknown[]).length < sentinelCount - 1) return "the sentinels do not know each other";
      return (followers as unknown[]).length < replicas ? "the sentinels do not know the replicas" : undefined;
    }, 20_000);
  } catch (thrown) {
    await stop();
    throw thrown;
  }
  return {
    url: `redis+sentinel://${sentinels.map(({ port }) => `127.0.0.1:${port}`).join(",")}/${name}`,
    servers,
    async primary() {
      const [, port] = (await ask("get-master-addr-by-name", name)) as [string, string];
      const server = servers.find((each) => portOf(each) === Number(port));
      if (server === undefined) throw new Error(`the sentinels name a stranger at port ${port}`);
      return server;
    },
    stop,
  };
}

interface Sentinel {
  readonly port: number;
  readonly client: Redis;
  stop(): Promise<void>;
}

/** A sentinel must have a file of settings, which it rewrites. */
async function startOne(dir: string, primaryPort: number): Promise<Sentinel> {
  const binary = await findRedisServer();
  if (binary === undefined) throw new Error("There is no redis-server on this machine and none can be had.");
  const port = await freePort();
  const file = join(dir, `${port}.conf`);
  const settings = [
    `port ${port}`,
    "bind 127.0.0.1",
    `dir ${dir}`,
    `sentinel monitor ${name} 127.0.0.1 ${primaryPort} ${quorum}`,
    `sentinel down-after-milliseconds ${name} ${downAfterMs}`,
    `sentinel failover-timeout ${name} 5000`,
  ];
  await writeFile(file, settings.join("\n"));
  const child = spawn(binary.path, [file, "--sentinel"], {
    env: { ...process.env, ...binary.env },
    stdio: "ignore",
    detached: true,
  });
  endWithUs(child);
  const client = new Redis({ host: "127.0.0.1", port, maxRetriesPerRequest: null, retryStrategy: () => 20 });
  // It is not listening yet.
  client.on("error", () => {});
  await client.ping();
  return {
    port,
    client,
    async stop() {
      client.disconnect();
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGKILL");
      await ended;
    },
  };
}

function portOf(server: TestRedis): number {
  return Number(new URL(server.url).port);
}

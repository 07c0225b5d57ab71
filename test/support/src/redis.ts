import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findRedisServer, type RedisServer, startRedisServer } from "@fanfare/redis-server";
import { Redis } from "ioredis";

export interface StartRedisOptions {
  /** Listens on a free TCP port of 127.0.0.1 instead of a unix socket. */
  readonly port?: boolean;
  /** Writes a log of its data, so that a restart keeps them. */
  readonly appendOnly?: boolean;
  /** Further arguments, such as `--maxmemory 4mb`. */
  readonly args?: readonly string[];
}

/** A redis-server of one test file's own. */
export interface TestRedis {
  readonly url: string;
  /** Of the server that runs now. */
  readonly pid: number;
  /** Kills it and removes what it left. */
  stop(): Promise<void>;
  /** Kills it and leaves it away until {@link TestRedis.restart}. */
  kill(): Promise<void>;
  /** Kills it, if it runs, and starts another at the same address: with its data only when `appendOnly` was asked for. */
  restart(): Promise<void>;
  /** Freezes it: its connections stay, nothing is answered. */
  pause(): void;
  resume(): void;
  /** One command over a connection of its own, such as `cli("client", "kill", "type", "pubsub")`. */
  cli(...args: readonly (string | Buffer)[]): Promise<unknown>;
}

/** Starts a redis-server that ends with the test's process. Nothing is written to disk unless asked for. */
export async function startRedis({ port = false, appendOnly = false, args = [] }: StartRedisOptions = {}): Promise<TestRedis> {
  const binary = await findRedisServer();
  if (binary === undefined) throw new Error("There is no redis-server on this machine and none can be had.");
  const dir = await mkdtemp(join(tmpdir(), "fanfare-redis-"));
  const address = port ? { port: await freePort() } : { socket: join(dir, "redis.sock") };
  const start = (): Promise<RedisServer> =>
    startRedisServer(binary, { ...address, dir, args: [...(appendOnly ? ["--appendonly", "yes"] : []), ...args] });

  let server = await start();
  return {
    get url() {
      return server.url;
    },
    get pid() {
      return server.pid;
    },
    async stop() {
      await server.stop();
      await rm(dir, { recursive: true, force: true });
    },
    kill: () => server.stop(),
    async restart() {
      await server.stop();
      server = await start();
    },
    pause: () => void process.kill(server.pid, "SIGSTOP"),
    resume: () => void process.kill(server.pid, "SIGCONT"),
    async cli(command = "ping", ...rest) {
      const client = new Redis("port" in address ? { host: "127.0.0.1", ...address } : { path: address.socket });
      try {
        return await client.call(String(command), ...rest);
      } finally {
        client.disconnect();
      }
    },
  };
}

/** A port that nobody listens on now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => (typeof address === "object" && address !== null ? resolve(address.port) : reject(new Error("no port"))));
    });
  });
}

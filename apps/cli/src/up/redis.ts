import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { findRedisServer, type RedisServer, type RedisServerBinary, startRedisServer } from "@fanfare/redis-server";

/** A Redis of the cluster's own, or somebody else's. */
export interface ClusterRedis {
  readonly url: string;
  /** For people, without credentials. */
  readonly description: string;
  stop(): Promise<void>;
}

/** The pause before a server that ended is started again. */
const restartPauseMs = 500;

const origins = { path: "on PATH", cache: "unpacked earlier", download: "unpacked just now" } as const;

/** Starts a Redis in `dir` that only this user can reach. Undefined, with a word on why, where there is none to be had. */
export async function ownRedis(
  dir: string,
  note: (text: string) => void,
  say: (text: string) => void,
): Promise<ClusterRedis | undefined> {
  const binary = await findRedisServer({ onStep: note });
  if (binary === undefined) return undefined;
  const socket = join(dir, "redis.sock");
  const server = await supervised(binary, dir, socket, say);
  return {
    url: `redis+unix://${socket}`,
    description: `Redis ${binary.version}, ${origins[binary.from]}`,
    stop: server,
  };
}

/** A Redis that was named by its URL: it is not ours to start or stop. */
export function givenRedis(url: string): ClusterRedis {
  return { url, description: `Redis at ${url.replace(/\/\/[^@/]*@/, "//")}`, async stop() {} };
}

/** Keeps a server running under the same address; the returned function ends it for good. */
async function supervised(
  binary: RedisServerBinary,
  dir: string,
  socket: string,
  say: (text: string) => void,
): Promise<() => Promise<void>> {
  let server = await startRedisServer(binary, { socket, dir });
  let stopping = false;
  const watch = async (): Promise<void> => {
    for (;;) {
      const how = await server.ended;
      if (stopping) return;
      say(`redis-server ended (${how}): starting it again, empty`);
      const next = await restarted(
        () => startRedisServer(binary, { socket, dir }),
        () => stopping,
      );
      if (next === undefined) return;
      server = next;
      say("redis-server is back");
    }
  };
  void watch();
  return async () => {
    stopping = true;
    await server.stop();
  };
}

async function restarted(start: () => Promise<RedisServer>, stopping: () => boolean): Promise<RedisServer | undefined> {
  while (!stopping()) {
    await sleep(restartPauseMs);
    const server = await start().catch(() => undefined);
    if (server !== undefined && stopping()) await server.stop();
    else if (server !== undefined) return server;
  }
  return undefined;
}

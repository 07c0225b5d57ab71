import type { BenchRedis } from "../host.ts";
import type { Stage } from "../process/stage.ts";
import type { Worker } from "../process/worker.ts";
import type { OneScriptDuties } from "../workers/one-script.ts";
import type { PlainDuties } from "../workers/plain-loop.ts";
import type { StockDuties } from "../workers/stock-node.ts";
import { type Cluster, channel } from "./cluster.ts";

export interface StockCluster extends Cluster {
  readonly workers: readonly Worker<StockDuties>[];
  /** Of the workers, in their order. */
  readonly ports: readonly number[];
}

export type StockAdapter = "classic" | "sharded";

/** Sharded pub/sub, the cheapest of the stock adapters, came with Redis 7. */
function adapterFor({ version }: BenchRedis): StockAdapter {
  return Number.parseInt(version, 10) >= 7 ? "sharded" : "classic";
}

/** For the notes of a report. */
export const adapterNote =
  "stock: Socket.IO with its Redis adapter, sharded on Redis 7 or later, else classic, on the same ioredis and ws as fanfare.";

/** One Redis and `nodes` processes of stock Socket.IO, with the cheapest adapter that the Redis can. The first answers publishes, the subscribers belong on the last. */
export async function stockCluster(stage: Stage, nodes: number, wished?: StockAdapter): Promise<StockCluster> {
  const redis = await stage.redis();
  const adapter = wished ?? adapterFor(redis);
  const workers = Array.from({ length: nodes }, () => stage.worker<StockDuties>("stock-node"));
  const ports = await Promise.all(workers.map((worker) => worker.ask("start", { redisSocket: redis.socket, adapter })));
  const [first, last] = [workers[0], workers.at(-1)];
  const [publishPort, listenPort] = [ports[0], ports.at(-1)];
  if (first === undefined || last === undefined || publishPort === undefined || listenPort === undefined) {
    throw new Error("A cluster has at least one node.");
  }
  return {
    workers,
    ports,
    publish: publishTarget(publishPort),
    listen: { port: listenPort, protocol: "socket.io", channel },
    pids: { listening: last.pid, publishing: first.pid, redis: redis.pid },
  };
}

/** A Fastify route that has Redis run one script for each publication. Nobody can listen to it. */
export async function oneScript(stage: Stage): Promise<Pick<Cluster, "publish" | "pids">> {
  const redis = await stage.redis();
  const worker = stage.worker<OneScriptDuties>("one-script");
  const port = await worker.ask("start", { redisSocket: redis.socket });
  return { publish: publishTarget(port), pids: { listening: worker.pid, publishing: worker.pid, redis: redis.pid } };
}

/** One process that writes each publication to each websocket: no Socket.IO, no Redis, no channels. */
export async function plainLoop(stage: Stage): Promise<Cluster> {
  const worker = stage.worker<PlainDuties>("plain-loop");
  const port = await worker.ask("start", {});
  return {
    publish: publishTarget(port),
    listen: { port, protocol: "plain", channel },
    pids: { listening: worker.pid, publishing: worker.pid, redis: undefined },
  };
}

/** The C program that does nothing but write, `together` publications at a time. Undefined where there is no compiler. */
export async function cFloor(stage: Stage, together: number): Promise<Cluster | undefined> {
  const served = await stage.floor(together);
  if (served === undefined) return undefined;
  return {
    publish: { port: served.port, path: "/", token: "none", before: "", after: "" },
    listen: { port: served.port, protocol: "plain", channel },
    pids: { listening: served.pid, publishing: served.pid, redis: undefined },
  };
}

function publishTarget(port: number) {
  return { port, path: "/publish", token: "none", before: `{"room":"${channel}","data":`, after: "}" };
}

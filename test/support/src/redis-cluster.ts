import { freePort, startRedis, type TestRedis } from "./redis.ts";
import { until } from "./until.ts";

export interface StartRedisClusterOptions {
  readonly primaries?: number;
  /** Of each primary. */
  readonly replicas?: number;
}

/** A Redis Cluster of one test file's own: real servers on free ports, nothing of value on disk. */
export interface TestRedisCluster {
  readonly url: string;
  /** The primaries as they were at first, then their replicas in the same order. */
  readonly nodes: readonly TestRedis[];
  /** The node that serves a key's slot now, as the nodes that live see it. */
  primaryOf(key: string): Promise<TestRedis>;
  /** The nodes that follow `primary` now. */
  replicasOf(primary: TestRedis): Promise<TestRedis[]>;
  stop(): Promise<void>;
}

const slots = 16_384;
/** How soon the nodes give one up that is silent. */
const nodeTimeoutMs = 1_000;

/**
 * Starts a cluster whose slots are spread evenly. Partitions of which no primary lives are away by themselves: full
 * coverage is not required.
 */
export async function startRedisCluster({
  primaries = 3,
  replicas = 0,
}: StartRedisClusterOptions = {}): Promise<TestRedisCluster> {
  const nodes = await Promise.all(Array.from({ length: primaries * (1 + replicas) }, startNode));
  const stop = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => node.stop()));
  };
  try {
    await join(nodes, primaries);
  } catch (thrown) {
    await stop();
    throw thrown;
  }
  return {
    url: `redis+cluster://${nodes.map((node) => `127.0.0.1:${portOf(node)}`).join(",")}`,
    nodes,
    async primaryOf(key) {
      for (const node of nodes) {
        const slot = await node.cli("cluster", "keyslot", key).catch(() => undefined);
        if (typeof slot !== "number") continue;
        const port = (await view(node)).find((line) => line.serves(slot))?.port;
        const primary = nodes.find((other) => portOf(other) === port);
        if (primary !== undefined) return primary;
      }
      throw new Error(`no node knows who serves ${key}`);
    },
    async replicasOf(primary) {
      const lines = await view(primary);
      const { id } = lines.find((line) => line.port === portOf(primary)) ?? {};
      const ports = lines.filter((line) => line.of === id).map(({ port }) => port);
      return nodes.filter((node) => ports.includes(portOf(node)));
    },
    stop,
  };
}

async function startNode(): Promise<TestRedis> {
  const busPort = await freePort();
  const settings = {
    "cluster-enabled": "yes",
    "cluster-port": busPort,
    "cluster-node-timeout": nodeTimeoutMs,
    "cluster-require-full-coverage": "no",
    "cluster-replica-validity-factor": "0",
    "repl-diskless-sync-delay": "0",
  };
  return startRedis({ port: true, args: Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]) });
}

/** What redis-cli --cluster create does: slots and distinct epochs, then everybody is introduced, then replicas follow. */
async function join(nodes: readonly TestRedis[], primaries: number): Promise<void> {
  const [first] = nodes;
  if (first === undefined) throw new Error("A cluster has nodes.");
  for (const [index, node] of nodes.entries()) {
    await node.cli("cluster", "set-config-epoch", String(index + 1));
    const from = Math.ceil((index * slots) / primaries);
    const to = Math.ceil(((index + 1) * slots) / primaries) - 1;
    if (index < primaries) await node.cli("cluster", "addslotsrange", String(from), String(to));
  }
  for (const node of nodes.slice(1)) {
    const [, busPort] = (await node.cli("config", "get", "cluster-port")) as [string, string];
    await first.cli("cluster", "meet", "127.0.0.1", String(portOf(node)), busPort);
  }
  await until(() => unmet(nodes, (lines) => lines.length === nodes.length, "knows all others"), 20_000);
  for (const [index, node] of nodes.entries()) {
    const primary = nodes[index % primaries];
    if (index < primaries || primary === undefined) continue;
    await node.cli("cluster", "replicate", String(await primary.cli("cluster", "myid")));
    await until(async () => {
      const role = (await node.cli("role")) as unknown[];
      return role[3] === "connected" ? undefined : `replica ${index} is not connected`;
    }, 20_000);
  }
  const complete = (lines: Line[]): boolean =>
    lines.filter(({ of }) => of !== "-").length === nodes.length - primaries && lines.every(({ connected }) => connected);
  await until(() => unmet(nodes, complete, "sees all roles and links"), 20_000);
  await until(async () => {
    const states = await Promise.all(nodes.map((node) => node.cli("cluster", "info")));
    return states.every((state) => String(state).includes("cluster_state:ok")) ? undefined : "the cluster is not ok";
  }, 20_000);
}

async function unmet(nodes: readonly TestRedis[], holds: (lines: Line[]) => boolean, what: string): Promise<string | undefined> {
  for (const [index, node] of nodes.entries()) if (!holds(await view(node))) return `not yet true that node ${index} ${what}`;
  return undefined;
}

interface Line {
  readonly id: string;
  readonly port: number;
  /** The primary that it follows, "-" for a primary. */
  readonly of: string;
  readonly connected: boolean;
  serves(slot: number): boolean;
}

/** The cluster as one of its nodes sees it: CLUSTER NODES. */
async function view(node: TestRedis): Promise<Line[]> {
  const text = String(await node.cli("cluster", "nodes"));
  return text
    .trim()
    .split("\n")
    .map((line) => {
      const [id = "", address = "", , of = "", , , , link, ...ranges] = line.split(" ");
      return {
        id,
        port: Number(/:([0-9]+)/.exec(address)?.[1]),
        of,
        connected: link === "connected",
        serves: (slot) =>
          ranges.some((range) => {
            const [from = Number.NaN, to = from] = range.split("-").map(Number);
            return slot >= from && slot <= to;
          }),
      };
    });
}

function portOf(node: TestRedis): number {
  return Number(new URL(node.url).port);
}

import type { Directory, ProcessFigures, Registry, Stats, StatsSample } from "@fanfare/domain";

type Summed = "websocket" | "polling" | "publicationsPerSecond" | "deliveriesPerSecond";

/** The cluster in numbers, as its processes last said. */
export async function clusterStats(
  { registry, directory }: { registry: Registry; directory: Directory },
  at: number,
): Promise<Stats> {
  const [nodes, totals, figures] = await Promise.all([directory.nodes(), registry.totals(), registry.figures()]);
  const sum = summing([...figures.values()]);
  return {
    at,
    nodes: nodes.length,
    connections: totals.connections,
    transports: { websocket: sum("websocket"), polling: sum("polling") },
    channels: totals.channels,
    users: totals.users,
    publicationsPerSecond: sum("publicationsPerSecond"),
    deliveriesPerSecond: sum("deliveriesPerSecond"),
    latencyMs: latencyOf([...figures.values()]),
    processes: [...figures].map(([process, said]) => ({ process, ...said })).sort((a, b) => (a.process < b.process ? -1 : 1)),
    nodesMissing: await registry.missing(nodes.map(({ node }) => node)),
  };
}

/** One point of the charts: three reads, however many connections there are. */
export async function clusterSample(
  { registry, directory }: { registry: Registry; directory: Directory },
  at: number,
): Promise<StatsSample> {
  const [nodes, figures] = await Promise.all([directory.nodes(), registry.figures()]);
  const said = [...figures.values()];
  const sum = summing(said);
  return {
    at,
    nodes: nodes.length,
    websocket: sum("websocket"),
    polling: sum("polling"),
    publicationsPerSecond: sum("publicationsPerSecond"),
    deliveriesPerSecond: sum("deliveriesPerSecond"),
    latencyMs: latencyOf(said),
  };
}

/** The middle one of the halves, and the worst of the slowest hundredths: nodes do not say more than these two. */
export function latencyOf(said: readonly ProcessFigures[]): StatsSample["latencyMs"] {
  const known = said.flatMap(({ health }) => health?.latencyMs ?? []).sort((a, b) => a.p50 - b.p50);
  const middle = known[Math.floor((known.length - 1) / 2)];
  return middle === undefined ? null : { p50: middle.p50, p99: Math.max(...known.map(({ p99 }) => p99)) };
}

function summing(said: readonly ProcessFigures[]): (figure: Summed) => number {
  return (figure) => Math.round(said.reduce((total, one) => total + one[figure], 0) * 10) / 10;
}

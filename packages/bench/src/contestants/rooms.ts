import type { BenchHost } from "../host.ts";
import type { Stage, Swarm } from "../process/stage.ts";
import type { Cluster } from "./cluster.ts";
import { fanfareCluster } from "./fanfare.ts";
import { cFloor, plainLoop, stockCluster } from "./stock.ts";

/** A contestant of a fan-out with its subscribers. */
export interface Room {
  readonly name: string;
  readonly cluster: Cluster;
  readonly swarm: Swarm;
  /** Whether each message is written to all before the next one: then no client is ever written several in a row. */
  readonly inTurn: boolean;
}

/** Names of the rows, for ratios. */
export const row = {
  fanfare: "fanfare",
  classic: "stock classic",
  sharded: "stock sharded",
  loop: "ws loop",
  floor: "C floor",
  floorOfEight: "C, 8 a write",
} as const;

const inTurn: readonly string[] = [row.loop, row.floor, row.floorOfEight];

const starts: Readonly<Record<string, (stage: Stage) => Promise<Cluster | undefined>>> = {
  [row.fanfare]: (stage) => fanfareCluster(stage, 1),
  [row.classic]: (stage) => stockCluster(stage, 2, "classic"),
  [row.sharded]: (stage) => stockCluster(stage, 2, "sharded"),
  [row.loop]: (stage) => plainLoop(stage),
  [row.floor]: (stage) => cFloor(stage, 1),
  [row.floorOfEight]: (stage) => cFloor(stage, 8),
};

/** Starts those of the rows that this machine can have, and opens so many subscribers of each. */
export async function openRooms(
  stage: Stage,
  { progress }: Pick<BenchHost, "progress">,
  names: readonly string[],
  subscribers: number,
): Promise<Room[]> {
  const rooms: Room[] = [];
  for (const name of names) {
    progress(`${subscribers} subscribers of ${name}`);
    const cluster = await starts[name]?.(stage);
    if (cluster === undefined) continue;
    const swarm = await stage.swarm();
    await swarm.worker.ask("open", { listen: cluster.listen, count: subscribers });
    rooms.push({ name, cluster, swarm, inTurn: inTurn.includes(name) });
  }
  return rooms;
}

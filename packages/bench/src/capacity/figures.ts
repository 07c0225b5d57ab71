import type { Outcome, Sample } from "../report/outcome.ts";
import type { Circumstances } from "../report/report.ts";
import { median } from "../report/statistics.ts";

/** What was measured with so many nodes, each figure a median. */
interface NodesFigures {
  readonly nodes: number;
  /** CPU of a node to hear of a publication and write it to one subscriber. */
  readonly hearMicros: number;
  /** CPU of a node for each further delivery. */
  readonly deliverMicros: number;
  /** CPU of the admin API for a publish, one a request. */
  readonly adminMicros: number;
  /** CPU of Redis for a publication that all of these nodes hear. */
  readonly redisMicros: number;
  /** Cores that a node, and Redis, use while nothing is published. */
  readonly idleNodeCores: number;
  readonly idleRedisCores: number;
  /** A run that none of the figures above is made from: what the model has to foretell. */
  readonly check: {
    readonly perSecond: number;
    readonly subscribers: number;
    /** Cores that all nodes used together. */
    readonly nodeCores: number;
    readonly redisCores: number;
    readonly p50Ms: number;
    readonly p99Ms: number;
  };
}

/** What capacity.json holds. */
export interface CapacityFigures {
  /** The day. */
  readonly taken: string;
  readonly machine: string;
  readonly command: string;
  readonly connection: {
    /** Resident memory of a node for a websocket connection that is subscribed to one channel. */
    readonly kib: number;
    /** Of a node without connections. */
    readonly baseMib: number;
    /** CPU of a node to accept one. */
    readonly acceptMicros: number;
    /** CPU of Redis to know one: its session, and who is where. */
    readonly redisMicros: number;
  };
  readonly nodes: readonly NodesFigures[];
}

/** The scenario's tables as figures: the first has a row for each number of nodes, the second one for connections. */
export function figuresOf(outcomes: readonly Outcome[], { at, machine, command }: Circumstances): CapacityFigures {
  const [byNodes, connections] = outcomes;
  const samples = (outcome: Outcome | undefined, index: number): readonly Sample[] =>
    (outcome?.series[index]?.runs ?? []).filter((run) => run !== undefined);
  const mid = (runs: readonly Sample[], key: string): number => {
    const value = median(runs.flatMap((run) => run[key] ?? []));
    if (!Number.isFinite(value)) throw new Error(`No run gave ${key}: the machine was too busy. Run it again.`);
    return Number(value.toPrecision(4));
  };
  const nodes = (byNodes?.series ?? []).map((_, index) => {
    const runs = samples(byNodes, index);
    const of = (key: string): number => mid(runs, key);
    return {
      nodes: of("nodes"),
      hearMicros: of("hearMicros"),
      deliverMicros: of("deliverMicros"),
      adminMicros: of("adminMicros"),
      redisMicros: of("redisMicros"),
      idleNodeCores: of("idleNodeCores"),
      idleRedisCores: of("idleRedisCores"),
      check: {
        perSecond: of("checkPerSecond"),
        subscribers: of("checkSubscribers"),
        nodeCores: of("checkNodeCores"),
        redisCores: of("checkRedisCores"),
        p50Ms: of("checkP50"),
        p99Ms: of("checkP99"),
      },
    };
  });
  const idle = samples(connections, 0);
  const connection = {
    kib: mid(idle, "kib"),
    baseMib: mid(idle, "baseMib"),
    acceptMicros: mid(idle, "acceptMicros"),
    redisMicros: mid(idle, "redisMicros"),
  };
  const described = `${machine.cores} × ${machine.cpu}`;
  return { taken: at.toISOString().slice(0, 10), machine: described, command, connection, nodes };
}

import { percentile } from "../report/statistics.ts";
import { type Costs, type Demand, hearingNodes } from "./model.ts";

export interface Size {
  readonly nodes: number;
  readonly primaries: number;
  readonly admins: number;
}

export interface Simulated {
  /** Share of a core, of the average node, of the average primary. */
  readonly nodeBusy: number;
  readonly redisBusy: number;
  /** From a publisher's turn to a subscriber's delivery, without networks. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Publications that were played. */
  readonly publications: number;
}

/** Nodes that are played; more of them would only say the same again. */
const nodesPlayed = 16;
const publicationsMax = 3_000;
const longestSeconds = 30;

/**
 * Plays publications that come by chance (Poisson) through three queues, one after the other: an admin API, a primary, each
 * node that hears. Every part works on one thing at a time, as the real ones do; what none of them does at the moment waits.
 */
export function simulate(costs: Costs, demand: Demand, { nodes, primaries, admins }: Size, seed = 1): Simulated {
  const { publicationsPerSecond, subscribers } = demand;
  const random = randomFrom(seed);
  const seconds = Math.min(longestSeconds, publicationsMax / publicationsPerSecond);
  const hearing = hearingNodes(nodes, subscribers);
  const played = Math.min(nodes, nodesPlayed);
  const chance = hearing / nodes;
  const here = subscribers / hearing;
  // What arriving connections take, and what is done by the clock, is not played: it makes everything else so much slower.
  const arrivals = demand.arrivalsPerSecond / 1_000_000;
  const otherOfNode = Math.min(0.95, costs.idleNodeCores + (arrivals * costs.connection.acceptMicros) / nodes);
  const otherOfRedis = Math.min(0.95, (nodes * costs.idleRedisCores + arrivals * costs.connection.redisMicros) / primaries);
  const [nodeStretch, redisStretch] = [1 / (1 - otherOfNode), 1 / (1 - otherOfRedis)];

  const freeAdmin = new Float64Array(admins);
  const freePrimary = new Float64Array(primaries);
  const freeNode = new Float64Array(played);
  let busyNodes = 0;
  let busyPrimaries = 0;
  let publications = 0;
  const latencies: number[] = [];
  /** Takes its turn in a queue; resolves to when it is done, in µs. */
  const serve = (free: Float64Array, index: number, at: number, micros: number): number => {
    const done = Math.max(at, free[index] ?? 0) + micros;
    free[index] = done;
    return done;
  };

  const endMicros = seconds * 1_000_000;
  for (let at = gap(); at < endMicros; at += gap()) {
    publications++;
    const stored = serve(freeAdmin, Math.floor(random() * admins), at, costs.adminMicros);
    const redisMicros = costs.redisMicros + costs.redisMicrosPerNode * hearing;
    busyPrimaries += redisMicros;
    const announced = serve(freePrimary, Math.floor(random() * primaries), stored, redisMicros * redisStretch);
    for (let node = 0; node < played; node++) {
      if (random() >= chance) continue;
      const deliverMicros = Math.max(0, here - 1) * costs.deliverMicros;
      const done = serve(freeNode, node, announced, (costs.hearMicros + deliverMicros) * nodeStretch);
      busyNodes += costs.hearMicros + deliverMicros;
      // One of its subscribers, any one.
      latencies.push(done - deliverMicros * nodeStretch * random() - at);
    }
  }
  return {
    nodeBusy: otherOfNode + busyNodes / endMicros / played,
    redisBusy: otherOfRedis + busyPrimaries / endMicros / primaries,
    p50Ms: percentile(latencies, 0.5) / 1_000,
    p99Ms: percentile(latencies, 0.99) / 1_000,
    publications,
  };

  function gap(): number {
    return (-Math.log(1 - random()) / publicationsPerSecond) * 1_000_000;
  }
}

/** The same numbers for the same seed (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

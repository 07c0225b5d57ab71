import type { ListenTarget } from "./listening.ts";

/** What subscribers have heard since they were last reset. */
export interface EarsTally {
  readonly deliveries: number;
  /** Reads that held at least a piece of a publication. */
  readonly reads: number;
  /** Whether each subscriber got each publication once, judged by their count and the sum of their numbers. */
  readonly whole: boolean;
  /** Whether all subscribers heard them in the same order. */
  readonly oneOrder: boolean;
  /** From the time in a publication to its arrival, of one subscriber in sixteen. */
  readonly p50Micros: number;
  readonly p99Micros: number;
  readonly maxMicros: number;
}

/** Many subscribers that count what they hear. */
export interface Ears {
  /** The process whose main thread reads. */
  readonly pid: number;
  /** Deliveries since the last reset; behind the truth by a millisecond at most. */
  readonly deliveries: number;
  /** Called when `deliveries` has grown. */
  onHeard: () => void;
  /** Opens subscribers beside those that are there. Resolves when all are subscribed. */
  open(listen: ListenTarget, count: number): Promise<void>;
  reset(): Promise<void>;
  tally(messages: number): Promise<EarsTally>;
}

/** How many subscribers open at a time. */
export const openingMax = 50;
/** One subscriber in so many measures latency. */
export const sampleEvery = 16;

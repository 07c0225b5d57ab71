export type { BenchHost, BenchOptions, BenchRedis } from "./host.ts";
export { type BenchDone, type BenchWish, runBench, scenarios } from "./run.ts";

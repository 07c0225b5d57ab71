export type { BenchHost, BenchOptions, BenchRedis } from "./host.ts";
export { type BenchWish, runBench, scenarios } from "./run.ts";

export type { CapacityFigures } from "./capacity/figures.ts";
export { costsOf } from "./capacity/model.ts";
export { demandOf } from "./capacity/page.ts";
export { simulate } from "./capacity/simulate.ts";
export type { BenchHost, BenchOptions, BenchRedis } from "./host.ts";
export { type BenchDone, type BenchWish, runBench, scenarios } from "./run.ts";

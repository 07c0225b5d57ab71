import { cpuMicros, machineMicros } from "./proc.ts";

export interface Metered<Result> {
  readonly result: Result;
  readonly wallMs: number;
  /** CPU time of each process that was watched, in the order asked for. */
  readonly cpuMicros: readonly number[];
  /** CPU that processes of others used meanwhile, as a share of one core. */
  readonly foreignShare: number;
}

/** Watches processes while something is done. `ours` are all that belong to the bench, for what is left is foreign load. */
export async function metered<Result>(
  watched: readonly number[],
  ours: readonly number[],
  work: () => Promise<Result>,
): Promise<Metered<Result>> {
  const all = () => ours.reduce((sum, pid) => sum + cpuMicros(pid), 0);
  const before = { watched: watched.map(cpuMicros), machine: machineMicros(), all: all(), at: performance.now() };
  const result = await work();
  const wallMs = performance.now() - before.at;
  const used = watched.map((pid, index) => cpuMicros(pid) - (before.watched[index] ?? 0));
  const foreign = machineMicros() - before.machine - (all() - before.all);
  return { result, wallMs, cpuMicros: used, foreignShare: Math.max(0, foreign / (wallMs * 1_000)) };
}

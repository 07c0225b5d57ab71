import { appendFile } from "node:fs/promises";
import type { SharedRedis } from "@fanfare/test-support";
import { expect, test } from "vitest";
import { type Fault, type Round, runFault, runFaultOn } from "./run-fault.ts";

const rounds = Number(process.env.CHAOS_ROUNDS ?? 1);
const firstSeed = Number(process.env.CHAOS_SEED ?? Math.floor(Math.random() * 1e9));
const roundMs = 150_000;

/** A row of the table that `npm run chaos` prints. */
interface Row {
  readonly fault: string;
  readonly rounds: number;
  readonly published: number;
  readonly retried: number;
  readonly lost: number;
  readonly doubled: number;
  readonly disordered: number;
  readonly wrong: number;
  readonly resets: number;
  readonly fresh: number;
  readonly recoveries: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** A test of one fault: as many rounds as asked for, each with the seed after the last one's. */
export function chaos(fault: Fault): void {
  inRounds(fault, (seed) => runFault(fault, seed));
}

/** As {@link chaos}, on what `start` starts for each round instead of a redis-server. */
export function chaosOn<Redis extends SharedRedis>(start: () => Promise<Redis>, fault: Fault<Redis>): void {
  inRounds(fault, (seed) => runFaultOn(start, fault, seed));
}

function inRounds(
  { name, losesLog = false, movesClients = false }: Pick<Fault, "name" | "losesLog" | "movesClients">,
  run: (seed: number) => Promise<Round>,
): void {
  test(`${name}: nothing lost, doubled or out of order`, { timeout: rounds * roundMs }, async () => {
    const done: Round[] = [];
    try {
      for (let round = 0; round < rounds; round++) {
        const seed = firstSeed + round;
        console.log(`${name}: round ${round + 1} of ${rounds}, seed ${seed}`);
        const result = await run(seed);
        done.push(result);
        const { lost, doubled, disordered, wrong } = result.verdict;
        // A few of each tell as much as thousands.
        const flaws = {
          lost: lost.slice(0, 5),
          doubled: doubled.slice(0, 5),
          disordered: disordered.slice(0, 5),
          wrong: wrong.slice(0, 5),
        };
        expect.soft(flaws, `seed ${seed}`).toEqual({ lost: [], doubled: [], disordered: [], wrong: [] });
        if (losesLog) expect.soft(result.untold, `seed ${seed}: not told`).toEqual([]);
        else
          expect
            .soft([result.verdict.resets, result.verdict.fresh], `seed ${seed}: resets, sessions not recovered`)
            .toEqual([0, 0]);
        if (movesClients) expect.soft(result.recoveries, `seed ${seed}: sessions recovered`).toBeGreaterThan(0);
      }
    } finally {
      await report(rowOf(name, done));
    }
  });
}

async function report(row: Row): Promise<void> {
  console.log(JSON.stringify(row));
  if (process.env.CHAOS_REPORT !== undefined) await appendFile(process.env.CHAOS_REPORT, `${JSON.stringify(row)}\n`);
}

function rowOf(fault: string, done: readonly Round[]): Row {
  const sum = (count: (round: Round) => number): number => done.reduce((total, round) => total + count(round), 0);
  const times = done.flatMap(({ catchUpMs }) => catchUpMs).sort((a, b) => a - b);
  const percentile = (share: number): number =>
    Math.round(times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0);
  return {
    fault,
    rounds: done.length,
    published: sum(({ published }) => published),
    retried: sum(({ retried }) => retried),
    lost: sum(({ verdict }) => verdict.lost.length),
    doubled: sum(({ verdict }) => verdict.doubled.length),
    disordered: sum(({ verdict }) => verdict.disordered.length),
    wrong: sum(({ verdict }) => verdict.wrong.length),
    resets: sum(({ verdict }) => verdict.resets),
    fresh: sum(({ verdict }) => verdict.fresh),
    recoveries: sum(({ recoveries }) => recoveries),
    p50Ms: percentile(0.5),
    p99Ms: percentile(0.99),
  };
}

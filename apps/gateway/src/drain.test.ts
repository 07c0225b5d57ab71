import type { Clock } from "@fanfare/domain";
import { expect, test } from "vitest";
import { type DrainParts, moveEverybody, pace } from "./drain.ts";

/** A clock whose timers run, in order, as soon as nobody else has anything to do. */
class QuickClock implements Clock {
  nowMs = 0;
  readonly now = (): number => this.nowMs;
  readonly monotonic = (): number => this.nowMs;

  after(ms: number, task: () => void): () => void {
    let off = false;
    setImmediate(() => {
      if (off) return;
      this.nowMs += ms;
      task();
    });
    return () => {
      off = true;
    };
  }
}

interface Turn {
  readonly item: number;
  readonly atMs: number;
}

async function paced(count: number, withinMs: number, random?: () => number): Promise<Turn[]> {
  const clock = new QuickClock();
  const turns: Turn[] = [];
  const items = Array.from({ length: count }, (_, item) => item);
  const act = (item: number): number => turns.push({ item, atMs: clock.nowMs });
  await pace(items, act, { withinMs, perSecondMin: 200, clock, ...(random === undefined ? {} : { random }) });
  return turns;
}

const inOrder = (count: number): number[] => Array.from({ length: count }, (_, item) => item);

test("everybody has a turn, once and in order", async () => {
  for (const count of [0, 1, 7, 1_000]) {
    expect((await paced(count, 5_000)).map(({ item }) => item)).toEqual(inOrder(count));
  }
});

test("many are spread over all of the time and not beyond it", async () => {
  for (const random of [() => 0, () => 0.5, () => 0.999, Math.random]) {
    const turns = await paced(20_000, 8_000, random);
    expect(turns).toHaveLength(20_000);
    const lastMs = turns.at(-1)?.atMs ?? 0;
    expect(lastMs).toBeLessThanOrEqual(8_000);
    expect(lastMs).toBeGreaterThan(7_000);
    const perTenth = new Map<number, number>();
    for (const { atMs } of turns) perTenth.set(Math.floor(atMs / 800), (perTenth.get(Math.floor(atMs / 800)) ?? 0) + 1);
    for (const [tenth, some] of perTenth) expect(some, `tenth ${tenth}`).toBeLessThan(1.5 * 2_000);
  }
});

test("a few do not take all of the time", async () => {
  const turns = await paced(100, 8_000);
  expect(turns.at(-1)?.atMs).toBeLessThan(1_000);
});

test("without time everybody has their turn at once", async () => {
  expect((await paced(500, 0)).every(({ atMs }) => atMs === 0)).toBe(true);
});

test("a node that does not answer holds up nobody else's turn", async () => {
  const clock = new QuickClock();
  let leftAtMs: number | undefined;
  const destroy = (): void => {
    leftAtMs = clock.nowMs;
  };
  const relay = { release: () => new Promise(() => {}), splices: new Set([{ destroy }]) };
  const io = { engine: { clients: {} }, sockets: { sockets: new Map() } };
  const parts = { io, relay, fanout: { send: () => undefined }, clock, withinMs: 8_000 };
  expect(await moveEverybody(parts as unknown as DrainParts)).toBe(0);
  expect(leftAtMs).toBeLessThanOrEqual(1_000);
});

import fc from "fast-check";
import { expect, test } from "vitest";
import { balanced, type LoadView, type RebalanceLimits, rebalance } from "./rebalance.ts";

const limits: RebalanceLimits = { floor: 100, perRound: 20 };

/** What one node gives away in each of these rounds. */
function shed(views: readonly Partial<LoadView>[], given = limits): number[] {
  let state = balanced;
  return views.map((view) => {
    const next = rebalance(state, { own: 0, ready: [], draining: false, ...view }, given);
    state = next;
    return next.shed;
  });
}

const rounds = <View>(count: number, view: View): View[] => Array.from({ length: count }, () => view);
const uneven = { own: 300, ready: [300, 300, 0] };

test("a node far above the mean begins after four rounds of it, and slowly", () => {
  expect(shed(rounds(6, uneven))).toEqual([0, 0, 0, 20, 20, 20]);
});

test("an uneven moment passes without anything being done", () => {
  expect(shed([...rounds(3, uneven), { own: 200, ready: [200, 200, 200] }, ...rounds(3, uneven)])).toEqual(rounds(7, 0));
});

test("a node slightly above the mean gives nothing away, but one that has begun goes on until it is near it", () => {
  const slightly = { own: 240, ready: [240, 180, 180] };
  expect(shed(rounds(10, slightly))).toEqual(rounds(10, 0));
  expect(shed([...rounds(4, uneven), slightly, slightly])).toEqual([0, 0, 0, 20, 20, 20]);
  expect(shed([...rounds(4, uneven), { own: 225, ready: [225, 190, 185] }]).at(-1)).toBe(5);
  expect(shed([...rounds(4, uneven), { own: 220, ready: [220, 190, 190] }]).at(-1)).toBe(0);
});

test("nothing is given away below the floor, alone, or while a node drains", () => {
  expect(shed(rounds(6, { own: 100, ready: [100, 0] }))).toEqual(rounds(6, 0));
  expect(shed(rounds(6, { own: 103, ready: [103, 0] }))).toEqual([0, 0, 0, 3, 3, 3]);
  expect(shed(rounds(6, { own: 300, ready: [300] }))).toEqual(rounds(6, 0));
  expect(shed([...rounds(5, uneven), { ...uneven, draining: true }, uneven]).slice(-2)).toEqual([0, 0]);
});

test("nodes whose clients come back anywhere end close to each other, and then rest", () => {
  const nodes = fc.array(fc.integer({ min: 0, max: 2_000 }), { minLength: 2, maxLength: 6 });
  fc.assert(
    fc.property(nodes, fc.infiniteStream(fc.nat()), (loads, luck) => {
      let states = loads.map(() => balanced);
      // Each node only knows what the others said a round ago.
      let told = [...loads];
      const now = [...loads];
      const moved: number[] = [];
      for (let round = 0; round < 600; round++) {
        let onTheirWay = 0;
        const next = states.map((state, at) => {
          const ready = told.map((load, other) => (other === at ? (now[at] ?? 0) : load));
          return rebalance(state, { own: now[at] ?? 0, ready, draining: false }, limits);
        });
        told = [...now];
        for (const [at, { shed: some }] of next.entries()) {
          now[at] = (now[at] ?? 0) - some;
          onTheirWay += some;
        }
        moved.push(onTheirWay);
        // The balancer sends them to any node, also back to where they come from.
        for (; onTheirWay > 0; onTheirWay--) {
          const to = (luck.next().value ?? 0) % now.length;
          now[to] = (now[to] ?? 0) + 1;
        }
        states = next;
      }
      expect(moved.slice(-100)).toEqual(rounds(100, 0));
      const mean = now.reduce((sum, load) => sum + load, 0) / now.length;
      for (const load of now) expect(load).toBeLessThanOrEqual(Math.max(limits.floor, mean * 1.25));
    }),
    { numRuns: 50 },
  );
});

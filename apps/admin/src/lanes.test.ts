import { expect, test } from "vitest";
import { inLanes } from "./lanes.ts";

test("work starts in order, never more than allowed at a time, and results keep the order of the items", async () => {
  const started: number[] = [];
  let running = 0;
  let runningMax = 0;
  const results = await inLanes([5, 1, 4, 2, 3, 0], 2, async (turns, index) => {
    started.push(index);
    runningMax = Math.max(runningMax, ++running);
    for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate);
    running--;
    return turns * 10;
  });
  expect(started).toEqual([0, 1, 2, 3, 4, 5]);
  expect(runningMax).toBe(2);
  expect(results).toEqual([50, 10, 40, 20, 30, 0]);
});

test("no items need no lanes", async () => {
  expect(await inLanes([], 8, async () => 1)).toEqual([]);
});

import { expect, test } from "vitest";
import { ReadGate, underWayMax, waitingMax } from "./read-gate.ts";

/** Reads that end when they are told to. */
function world() {
  const gate = new ReadGate();
  const ends: ((fail?: Error) => void)[] = [];
  const read = () =>
    gate.run(
      () =>
        new Promise<number>((resolve, reject) => ends.push((fail) => (fail === undefined ? resolve(ends.length) : reject(fail)))),
    );
  return { read, ends };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test("some reads are under way at a time, the others follow in their order, also behind one that failed", async () => {
  const { read, ends } = world();
  const reads = Array.from({ length: underWayMax + 2 }, read);
  await turn();
  expect(ends).toHaveLength(underWayMax);
  ends[0]?.(new Error("away"));
  await expect(reads[0]).rejects.toThrow("away");
  await turn();
  expect(ends).toHaveLength(underWayMax + 1);
  for (let at = 1; at < reads.length; at++) {
    ends[at]?.();
    await reads[at];
    await turn();
  }
  const again = Array.from({ length: underWayMax }, read);
  await turn();
  expect(ends).toHaveLength(reads.length + underWayMax);
  for (const end of ends.slice(reads.length)) end();
  await Promise.all(again);
});

test("who comes when as many wait as may is told to come again", async () => {
  const { read, ends } = world();
  const reads = Array.from({ length: underWayMax + waitingMax }, read);
  await expect(read()).rejects.toMatchObject({ code: "BROKER_UNAVAILABLE" });
  for (let at = 0; at < reads.length; at++) {
    ends[at]?.();
    await reads[at];
    await turn();
  }
  expect(ends).toHaveLength(underWayMax + waitingMax);
});

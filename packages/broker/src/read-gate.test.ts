import { expect, test } from "vitest";
import { ReadGate } from "./read-gate.ts";

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

test("four reads are under way at a time, the others follow in their order, also behind one that failed", async () => {
  const { read, ends } = world();
  const reads = Array.from({ length: 6 }, read);
  await turn();
  expect(ends).toHaveLength(4);
  ends[0]?.(new Error("away"));
  await expect(reads[0]).rejects.toThrow("away");
  await turn();
  expect(ends).toHaveLength(5);
  for (let at = 1; at < 6; at++) {
    ends[at]?.();
    await reads[at];
    await turn();
  }
  const again = Array.from({ length: 4 }, read);
  await turn();
  expect(ends).toHaveLength(10);
  for (const end of ends.slice(6)) end();
  await Promise.all(again);
});

test("who comes when a thousand wait is told to come again", async () => {
  const { read, ends } = world();
  const reads = Array.from({ length: 1_004 }, read);
  await expect(read()).rejects.toMatchObject({ code: "BROKER_UNAVAILABLE" });
  for (let at = 0; at < reads.length; at++) {
    ends[at]?.();
    await reads[at];
    await turn();
  }
  expect(ends).toHaveLength(1_004);
});

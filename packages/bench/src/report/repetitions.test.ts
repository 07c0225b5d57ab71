import { expect, test } from "vitest";
import { type Contestant, interleaved, type Run } from "./repetitions.ts";

const options = {
  repetitions: 3,
  deadline: Number.POSITIVE_INFINITY,
  signal: new AbortController().signal,
  progress: () => {},
};

/** Gives these runs one after the other, and the last one for ever, and notes in `log` that it ran. */
function contestant(name: string, log: string[], runs: readonly Run[]): Contestant {
  const left = [...runs];
  return {
    name,
    async run() {
      log.push(name);
      return (left.length > 1 ? left.shift() : left[0]) as Run;
    },
  };
}

const good: Run = { sample: { micros: 1 } };
const late: Run = { discard: "reader late" };

test("contestants take turns, every other repetition in the opposite order", async () => {
  const log: string[] = [];
  await interleaved([contestant("a", log, [good]), contestant("b", log, [good])], options);
  expect(log).toEqual(["a", "b", "b", "a", "a", "b"]);
});

test("a run that does not count is repeated at once, and its reason is kept", async () => {
  const log: string[] = [];
  const [a] = await interleaved([contestant("a", log, [late, good]), contestant("b", log, [good])], options);
  expect(log.slice(0, 3)).toEqual(["a", "a", "b"]);
  expect(a).toEqual({ name: "a", runs: [good.sample, good.sample, good.sample], discarded: ["reader late"] });
});

test("a contestant whose runs never count ends, with holes where its samples would be", async () => {
  const log: string[] = [];
  const [a] = await interleaved([contestant("a", log, [late])], options);
  expect(a?.runs).toEqual([undefined, undefined, undefined]);
  // One try in each repetition, and three spares for all of them together.
  expect(log.length).toBe(6);
});

test("when the time is over no repetition is begun, but the first always is", async () => {
  const [a] = await interleaved([contestant("a", [], [good])], { ...options, deadline: Number.NEGATIVE_INFINITY });
  expect(a?.runs.length).toBe(1);
});

test("a wish to stop is heard before the next run", async () => {
  const stop = new AbortController();
  const log: string[] = [];
  const last: Contestant = {
    name: "last",
    async run() {
      stop.abort(new Error("told to stop"));
      return good;
    },
  };
  await expect(interleaved([last, contestant("never", log, [good])], { ...options, signal: stop.signal })).rejects.toThrow(
    "told to stop",
  );
  expect(log).toEqual([]);
});

import { FanfareError } from "@fanfare/domain";
import { expect, test } from "vitest";
import { ReadGate, underWay, waitingMax } from "./read-gate.ts";

/** Reads that end when they are told to, with an answer of so many bytes. */
function world() {
  const gate = new ReadGate();
  const begun: { answer: (bytes: number) => void; fail: (reason: Error) => void }[] = [];
  const begin = () => new Promise<number>((answer, fail) => begun.push({ answer, fail }));
  const read = () => gate.run(begin, (bytes) => bytes);
  const readMany = (count: number) => Array.from({ length: count }, read);
  /** Ends one and lets what follows from it happen. */
  const end = async (at: number, bytes = 10): Promise<void> => {
    begun[at]?.answer(bytes);
    await turn();
  };
  return { read, readMany, begun, end };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test("some reads are under way at a time, the others follow in their order, also behind one that failed", async () => {
  const { readMany, begun, end } = world();
  const reads = readMany(underWay.max + 2);
  await turn();
  expect(begun).toHaveLength(underWay.max);
  begun[0]?.fail(new Error("away"));
  await expect(reads[0]).rejects.toThrow("away");
  await turn();
  expect(begun).toHaveLength(underWay.max + 1);
  for (let at = 1; at < reads.length; at++) await end(at);
  expect(await Promise.all(reads.slice(1))).toHaveLength(underWay.max + 1);
});

test("behind large answers few are under way, and as many as before once answers are small again", async () => {
  const { readMany, begun, end } = world();
  const reads = readMany(200);
  await turn();
  for (let at = 0; at < underWay.max; at++) await end(at, 1_000_000);
  expect(begun).toHaveLength(underWay.max + underWay.min);
  for (let at = underWay.max; at < begun.length; at++) await end(at);
  await Promise.all(reads);

  const more = readMany(100);
  await turn();
  expect(begun).toHaveLength(200 + underWay.max);
  for (let at = 200; at < begun.length; at++) await end(at);
  await Promise.all(more);
});

test("when one is told that the broker is away all that wait are told so, and those that come then are let through", async () => {
  const { readMany, begun, end } = world();
  const reads = readMany(underWay.max + 100).map((read) => read.catch((thrown: FanfareError) => thrown.code));
  await turn();
  begun[0]?.fail(new FanfareError("BROKER_UNAVAILABLE"));
  await turn();
  expect(begun).toHaveLength(underWay.max);
  for (let at = 1; at < underWay.max; at++) await end(at);
  const away = (await Promise.all(reads)).filter((one) => one === "BROKER_UNAVAILABLE");
  expect(away).toHaveLength(101);

  const [later] = readMany(1);
  await turn();
  await end(underWay.max);
  expect(await later).toBe(10);
});

test("who comes when as many wait as may is told to come again", async () => {
  const { read, readMany, begun } = world();
  const reads = readMany(underWay.max + waitingMax);
  await expect(read()).rejects.toMatchObject({ code: "BROKER_UNAVAILABLE" });
  for (let at = 0; at < reads.length; at++) {
    if (begun[at] === undefined) await turn();
    begun[at]?.answer(10);
  }
  expect(await Promise.all(reads)).toHaveLength(underWay.max + waitingMax);
});

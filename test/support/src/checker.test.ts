import { expect, test } from "vitest";
import { judge, type Verdict } from "./checker.ts";
import type { Acked, Entry, Heard } from "./history.ts";

const channel = "prices";

/** Publications 1 … count of an epoch, one each millisecond. */
function published(count: number, epoch = "e", sentFromMs = 0): Acked[] {
  return Array.from({ length: count }, (_, index) => ({
    channel,
    epoch,
    offset: index + 1,
    id: `${epoch}${index + 1}`,
    data: { n: index + 1 },
    sentAtMs: sentFromMs + index,
    ackedAtMs: sentFromMs + index,
    tries: 1,
  }));
}

function heard({ epoch, offset, id, data }: Acked, atMs = offset): Heard {
  const rest = { event: "message", bookmark: null, arity: 3, recovered: false };
  return { kind: "heard", atMs, channel, epoch, offset, id, data, ...rest };
}

function verdictOn(acked: readonly Acked[], history: readonly Entry[]): Verdict {
  return judge(acked, [{ name: "ada", channels: [channel], history }]);
}

function counts({ lost, doubled, disordered, wrong, excused }: Verdict): Record<string, number> {
  return { lost: lost.length, doubled: doubled.length, disordered: disordered.length, wrong: wrong.length, excused };
}

const clean = { lost: 0, doubled: 0, disordered: 0, wrong: 0, excused: 0 };

test("who hears everything once and in order has nothing to complain about", () => {
  const acked = published(5);
  expect(
    counts(
      verdictOn(
        acked,
        acked.map((one) => heard(one)),
      ),
    ),
  ).toEqual(clean);
});

test("a publication that is missing in the middle, at the beginning or at the end is lost", () => {
  const acked = published(5);
  for (const missing of [1, 3, 5]) {
    const verdict = verdictOn(
      acked,
      acked.filter(({ offset }) => offset !== missing).map((one) => heard(one)),
    );
    expect(counts(verdict)).toEqual({ ...clean, lost: 1 });
    expect(verdict.lost[0]?.position).toBe(`e:${missing}`);
  }
});

test("who hears nothing has lost everything", () => {
  expect(counts(verdictOn(published(5), []))).toEqual({ ...clean, lost: 5 });
});

test("a publication heard twice is doubled, also when it comes much later", () => {
  const acked = published(5);
  const [first] = acked;
  const history = [...acked, ...(first === undefined ? [] : [first])].map((one) => heard(one));
  expect(counts(verdictOn(acked, history))).toEqual({ ...clean, doubled: 1 });
});

test("one id at two places of the log is doubled", () => {
  const acked = published(3);
  const history = acked.map((one) => heard(one));
  const again = { ...history[0], offset: 4 } as Heard;
  expect(counts(verdictOn(acked, [...history, again]))).toEqual({ ...clean, doubled: 1 });
});

test("two publications that change places are out of order, and none of them is lost", () => {
  const [one, two, three] = published(3).map((acked) => heard(acked)) as [Heard, Heard, Heard];
  expect(counts(verdictOn(published(3), [one, three, two]))).toEqual({ ...clean, disordered: 1 });
});

test("other content than was published, and what nobody published, are wrong", () => {
  const [one, two] = published(2).map((acked) => heard(acked)) as [Heard, Heard];
  expect(counts(verdictOn(published(2), [one, { ...two, data: { n: 3 } }]))).toEqual({ ...clean, wrong: 1 });
  expect(counts(verdictOn(published(2), [one, two, { ...two, offset: 3, id: "other" }]))).toEqual({ ...clean, wrong: 1 });
});

test("a reset excuses what was published before it and came neither before nor after", () => {
  const acked = published(9);
  const history: Entry[] = acked.filter(({ offset }) => offset <= 3 || offset > 6).map((one) => heard(one));
  history.splice(3, 0, { kind: "reset", atMs: 6.5, channel, reason: "trimmed" });
  expect(counts(verdictOn(acked, history))).toEqual({ ...clean, excused: 3 });
});

test("a reset excuses no hole behind it, none before it, and nothing that was published after it", () => {
  const acked = published(9);
  const reset: Entry = { kind: "reset", atMs: 4.5, channel, reason: "trimmed" };
  const all: Entry[] = acked.map((one) => heard(one));
  const without = (offset: number): Entry[] => all.filter((entry) => entry.kind !== "heard" || entry.offset !== offset);
  expect(counts(verdictOn(acked, [...without(7).slice(0, 4), reset, ...without(7).slice(4)]))).toEqual({ ...clean, lost: 1 });
  expect(counts(verdictOn(acked, [...without(2).slice(0, 3), reset, ...without(2).slice(3)]))).toEqual({ ...clean, lost: 1 });
  expect(counts(verdictOn(acked, [...all.slice(0, 4), reset]))).toEqual({ ...clean, lost: 4, excused: 1 });
});

test("a reset of another channel excuses nothing", () => {
  const acked = published(2);
  expect(counts(verdictOn(acked, [{ kind: "reset", atMs: 99, channel: "other", reason: "trimmed" }]))).toEqual({
    ...clean,
    lost: 2,
  });
});

test("a new epoch needs a reset before it", () => {
  const old = published(3);
  const fresh = published(3, "f", 10);
  const reset: Entry = { kind: "reset", atMs: 9, channel, reason: "epoch_changed" };
  const [before, after] = [old.map((one) => heard(one)), fresh.map((one) => heard(one))];
  expect(counts(verdictOn([...old, ...fresh], [...before, reset, ...after]))).toEqual(clean);
  expect(counts(verdictOn([...old, ...fresh], [...before, ...after]))).toEqual({ ...clean, disordered: 1 });
});

test("a connection that was not recovered excuses what was published while it was away", () => {
  const acked = published(6);
  const history: Entry[] = acked.filter(({ offset }) => offset < 3 || offset > 4).map((one) => heard(one));
  history.splice(2, 0, { kind: "fresh", atMs: 4.5 });
  const verdict = verdictOn(acked, history);
  expect(counts(verdict)).toEqual({ ...clean, excused: 2 });
  expect(verdict.fresh).toBe(1);
});

test("who subscribes late owes nothing that was there before", () => {
  const acked = published(5);
  const history = acked.slice(2).map((one) => heard(one));
  const verdict = judge(acked, [{ name: "ada", channels: [channel], history, from: { [channel]: { epoch: "e", offset: 2 } } }]);
  expect(counts(verdict)).toEqual(clean);
});

test("where an offset was issued twice either is heard, and who does not hear the other has to be told after it was sent", () => {
  const first = published(3);
  const [second] = published(3, "e", 10).slice(2);
  if (second === undefined) throw new Error("unreachable");
  const again: Acked = { ...second, id: "again", data: { n: 4 } };
  const acked = [...first, again];
  const history = first.map((one) => heard(one));
  const told = (atMs: number): Entry => ({ kind: "reset", channel, reason: "diverged", atMs });
  expect(counts(verdictOn(acked, [...history, told(100)]))).toEqual({ ...clean, excused: 1 });
  expect(counts(verdictOn(acked, history))).toEqual({ ...clean, lost: 1 });
  expect(counts(verdictOn(acked, [...history, told(5)]))).toEqual({ ...clean, lost: 1 });
  expect(counts(verdictOn(acked, [...history.slice(0, 2), heard({ ...again, data: { n: 5 } }), told(100)]))).toMatchObject({
    wrong: 1,
  });
});

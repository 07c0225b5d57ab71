import { ManualClock } from "@fanfare/test-support";
import { expect, test } from "vitest";
import { RequestLimits } from "./limits-requests.ts";

/** One connection under a limit of ten requests a second, and a clock that is set by hand. */
function world(perSecond = 10) {
  const clock = new ManualClock();
  const limits = new RequestLimits(perSecond, clock);
  const connection = {};
  const ask = (count: number) => Array.from({ length: count }, () => limits.take(connection)).filter((refusal) => refusal);
  return { clock, limits, ask };
}

test("a page that opens may ask for a lot at once, and goes on at the rate", () => {
  const { clock, ask } = world();
  // The first two are those of its upgrade.
  expect(ask(2 + 50)).toEqual([]);
  expect(ask(1)).toHaveLength(1);
  clock.advance(1_000);
  expect(ask(10)).toEqual([]);
});

test("a refusal says how long to wait, and that is enough", () => {
  const { clock, ask } = world();
  ask(52);
  const [refusal] = ask(1);
  expect(refusal).toMatchObject({ final: false, retryAfterMs: 1_000 });
  clock.advance(refusal?.retryAfterMs ?? 0);
  expect(ask(1)).toEqual([]);
});

test("one burst, however large, is one strike", () => {
  const { ask } = world();
  expect(ask(100_000).some((refusal) => refusal?.final)).toBe(false);
});

test("whoever goes on regardless is refused for good", () => {
  const { clock, ask } = world();
  const finals: boolean[] = [];
  for (let second = 0; second < 5; second++) {
    finals.push(ask(100).some((refusal) => refusal?.final));
    clock.advance(1_000);
  }
  expect(finals).toEqual([false, false, false, true, true]);
});

test("strikes are forgotten after a minute without any", () => {
  const { clock, ask } = world();
  for (let times = 0; times < 20; times++) {
    expect(ask(1_000).some((refusal) => refusal?.final)).toBe(false);
    clock.advance(61_000);
  }
});

test("one connection's requests are not another's", () => {
  const { limits, ask } = world();
  ask(100);
  expect(limits.take({})).toBeUndefined();
});

test("0 lifts the limit", () => {
  expect(world(0).ask(100_000)).toEqual([]);
});

test("an answer that counts as many requests makes its connection wait, and no other", () => {
  const { clock, limits, ask } = world();
  const connection = {};
  limits.take(connection);
  limits.charge(connection, 71);
  expect(() => limits.refuseDebtor(connection)).toThrow(expect.objectContaining({ code: "RATE_LIMITED", retryAfterMs: 2_000 }));
  expect(limits.take(connection)).toMatchObject({ final: false });
  expect(ask(1)).toEqual([]);
  clock.advance(2_100);
  expect(() => limits.refuseDebtor(connection)).not.toThrow();
  expect(limits.take(connection)).toBeUndefined();
});

test("a connection that has been quiet is forgotten, one that owes or was told to slow down is not", () => {
  const { clock, limits, ask } = world();
  ask(1);
  const debtor = {};
  limits.take(debtor);
  limits.charge(debtor, 71);
  const struck = {};
  for (let times = 0; times < 53; times++) limits.take(struck);
  expect(limits.size).toBe(3);
  clock.advance(1_100);
  expect(limits.size).toBe(2);
  clock.advance(9_000);
  expect(limits.size).toBe(1);
  clock.advance(60_000);
  expect([limits.size, clock.pending]).toEqual([0, 0]);
});

import { expect, test } from "vitest";
import { KeyedBuckets, TokenBucket } from "./limits.ts";

const rate = { perSecond: 10, burst: 20 };

test("a burst passes at once, and then one as often as the rate says", () => {
  const bucket = new TokenBucket(rate, 0);
  for (let taken = 0; taken < 20; taken++) expect(bucket.take(rate, 0)).toBe(0);
  expect(bucket.take(rate, 0)).toBe(100);
  expect(bucket.take(rate, 50)).toBe(50);
  expect(bucket.take(rate, 100)).toBe(0);
  expect(bucket.take(rate, 100)).toBe(100);
});

test("what is refused takes nothing, so that a caller who goes on asking is not kept out by that", () => {
  const bucket = new TokenBucket(rate, 0);
  bucket.take(rate, 0, 20);
  for (let asked = 0; asked < 1_000; asked++) expect(bucket.take(rate, 0)).toBe(100);
  expect(bucket.take(rate, 100)).toBe(0);
});

test("a bucket never holds more than a burst, however long it was quiet", () => {
  const bucket = new TokenBucket(rate, 0);
  expect(bucket.take(rate, 3_600_000, 20)).toBe(0);
  expect(bucket.take(rate, 3_600_000)).toBe(100);
});

test("what costs more than a burst passes a full bucket once, and is paid off afterwards", () => {
  const bucket = new TokenBucket(rate, 0);
  expect(bucket.take(rate, 0, 50)).toBe(0);
  expect(bucket.take(rate, 0)).toBe(3_100);
  expect(bucket.take(rate, 3_100)).toBe(0);
});

test("over any time no more passes than the burst and what the rate gives", () => {
  const bucket = new TokenBucket(rate, 0);
  let passed = 0;
  for (let ms = 0; ms <= 60_000; ms += 7) if (bucket.take(rate, ms) === 0) passed++;
  expect(passed).toBeGreaterThanOrEqual(600);
  expect(passed).toBeLessThanOrEqual(620);
});

test("keys have buckets of their own, and asking how long it takes costs nothing", () => {
  const buckets = new KeyedBuckets({ perSecond: 1, burst: 1 });
  expect(buckets.take("a", 0)).toBe(0);
  expect(buckets.waitMs("a", 0)).toBe(1_000);
  expect(buckets.take("a", 0)).toBe(1_000);
  expect(buckets.waitMs("b", 0)).toBe(0);
  expect(buckets.take("b", 0)).toBe(0);
  expect(buckets.take("__proto__", 0)).toBe(0);
});

test("keys that are quiet are forgotten, those that are not are remembered", () => {
  const buckets = new KeyedBuckets({ perSecond: 1, burst: 10 });
  for (let key = 0; key < 1_000; key++) buckets.take(`quiet${key}`, 0);
  buckets.take("busy", 59_999, 10);
  for (let key = 0; key < 1_000; key++) buckets.take(`later${key}`, 60_000);
  expect(buckets.size).toBeLessThan(1_100);
  expect(buckets.take("busy", 60_000)).toBeGreaterThan(0);
});

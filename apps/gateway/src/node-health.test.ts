import { expect, test } from "vitest";
import { HealthMeter } from "./node-health.ts";

const sources = { unsentBytes: 7, canaryAgeMs: 12.4 };

test("how long publications took is told by halves and hundredths, anew each time", () => {
  let nowMs = 1_000_000;
  const meter = new HealthMeter(() => nowMs);
  expect(meter.take(sources)).toMatchObject({ unsentBytes: 7, canaryAgeMs: 12, latencyMs: null });
  for (let index = 0; index < 98; index++) meter.delivered((nowMs - 2) * 1_000 + 500);
  nowMs += 40;
  for (let index = 0; index < 2; index++) expect(meter.delivered((nowMs - 100) * 1_000 + 500)).toBe(100);
  const { latencyMs } = meter.take(sources);
  expect(latencyMs?.p50).toBeCloseTo(2, 0);
  expect(latencyMs?.p99).toBeCloseTo(100, 0);
  expect(meter.take({ ...sources, canaryAgeMs: undefined })).toMatchObject({ latencyMs: null, canaryAgeMs: null });
  meter.stop();
});

test("a clock behind the broker's makes no publication take less than no time", () => {
  const meter = new HealthMeter(() => 1_000);
  meter.delivered(5_000_000);
  expect(meter.take(sources).latencyMs).toEqual({ p50: 0, p99: 0 });
  meter.stop();
});

test("a busy process is seen", () => {
  const meter = new HealthMeter(Date.now);
  meter.take(sources);
  const until = performance.now() + 60;
  while (performance.now() < until);
  const { cpuPercent, memoryBytes } = meter.take(sources);
  expect(cpuPercent).toBeGreaterThan(5);
  expect(memoryBytes).toBeGreaterThan(1_000_000);
  meter.stop();
});

import { expect, test } from "vitest";
import { createMetrics } from "./metrics.ts";
import { Rate } from "./rate.ts";

test("a rate is what was counted since it was last asked, by the time that passed", async () => {
  const { publications } = createMetrics({ app: "admin" });
  let nowMs = 0;
  const rate = new Rate(publications, { outcome: "stored" }, () => nowMs);
  expect(await rate.perSecond()).toBe(0);
  publications.inc({ source: "rest", outcome: "stored" }, 7);
  publications.inc({ source: "client", outcome: "stored" }, 8);
  publications.inc({ source: "client", outcome: "failed" }, 100);
  nowMs = 2_000;
  expect(await rate.perSecond()).toBe(7.5);
  nowMs = 3_000;
  expect(await rate.perSecond()).toBe(0);
});

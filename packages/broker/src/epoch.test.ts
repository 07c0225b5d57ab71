import { expect, test } from "vitest";
import { epochSource } from "./epoch.ts";

test("names for epochs are all different, and what a position may contain", () => {
  const newEpoch = epochSource();
  const names = Array.from({ length: 5_000 }, newEpoch);
  expect(new Set(names).size).toBe(5_000);
  for (const name of names) expect(name).toMatch(/^[A-Za-z0-9_-]{8}$/);
});

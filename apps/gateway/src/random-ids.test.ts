import { expect, test } from "vitest";
import { RandomIds } from "./random-ids.ts";

test("each is of its own, of the length that was asked for, and fits into a URL", () => {
  const ids = new RandomIds(18);
  const drawn = Array.from({ length: 1_000 }, () => ids.next());
  expect(new Set(drawn).size).toBe(1_000);
  expect(drawn.every((id) => /^[\w-]{24}$/.test(id))).toBe(true);
});

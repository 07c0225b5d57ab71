import { expect, test } from "vitest";
import { seconds } from "./token.ts";

test.each([
  ["90", 90],
  ["90s", 90],
  ["15m", 900],
  ["1h", 3_600],
  ["7d", 604_800],
])("%s is %i seconds", (text, expected) => {
  expect(seconds(text)).toBe(expected);
});

test.each([[""], ["0"], ["-1h"], ["1.5h"], ["1w"], ["h"], ["1 h"], ["9999999999"]])("%j is no time", (text) => {
  expect(() => seconds(text)).toThrow("Give a time such as");
});

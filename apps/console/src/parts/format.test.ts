import { expect, test } from "vitest";
import { age, brief, bytes, duration } from "./format.ts";

test.each([
  [brief(0), "0"],
  [brief(9_999.94), "9,999.9"],
  [brief(12_345), "12.3K"],
  [bytes(999), "999 B"],
  [bytes(1_234_567), "1.23 MB"],
  [bytes(5_000_000_000), "5 GB"],
  [duration(1.26), "1.3 ms"],
  [duration(2_500), "2.5 s"],
  [age(-5), "0.0 s"],
  [age(90_000), "90 s"],
  [age(600_000), "10 min"],
  [age(7_200_000), "2 h"],
  [age(172_800_000), "2 d"],
])("a figure reads %s", (text, expected) => {
  expect(text).toBe(expected);
});

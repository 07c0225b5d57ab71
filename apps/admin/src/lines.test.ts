import fc from "fast-check";
import { expect, test } from "vitest";
import { LineCutter } from "./lines.ts";

test("however the bytes are cut into chunks, the lines are the same", () => {
  const text = fc.array(fc.constantFrom("a", "\n", "ü", "\r", "{}"), { maxLength: 60 }).map((parts) => parts.join(""));
  fc.assert(
    fc.property(text, fc.array(fc.nat(60)), (whole, cuts) => {
      const bytes = Buffer.from(whole);
      const places = [0, ...cuts.filter((at) => at <= bytes.length), bytes.length].sort((a, b) => a - b);
      const cutter = new LineCutter(1_000);
      const lines = places.flatMap((at, index) => cutter.cut(bytes.subarray(at, places[index + 1] ?? at)).whole);
      const rest = cutter.rest();
      expect([...lines, rest].map(String)).toEqual(whole.split("\n"));
    }),
  );
});

test("a line of the limit passes, one byte more does not, complete or not", () => {
  const { whole, overflow } = new LineCutter(3).cut(Buffer.from("abc\nabcd\nab"));
  expect([whole.map(String), overflow]).toEqual([["abc"], true]);
  const cutter = new LineCutter(3);
  expect(cutter.cut(Buffer.from("ab"))).toEqual({ whole: [], overflow: false });
  expect(cutter.cut(Buffer.from("c"))).toEqual({ whole: [], overflow: false });
  expect(cutter.cut(Buffer.from("d"))).toEqual({ whole: [], overflow: true });
});

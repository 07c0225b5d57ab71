import fc from "fast-check";
import { expect, test } from "vitest";
import { traceParent } from "./trace-parent.ts";

const trace = "4bf92f3577b34da6a3ce929d0e0e4736";
const parent = "00f067aa0ba902b7";

test.each([
  ["sampled", `00-${trace}-${parent}-01`],
  ["not sampled", `00-${trace}-${parent}-00`],
  ["with flags of a later level", `00-${trace}-${parent}-03`],
])("a trace context of version 00 that is %s goes on as it came", (_what, text) => {
  expect(traceParent(text)).toBe(text);
});

test.each([
  ["with more behind a dash", `cc-${trace}-${parent}-01-what-the-future-will-be-like`],
  ["as long as version 00", `01-${trace}-${parent}-01`],
  ["with flags that nobody knows yet", `01-${trace}-${parent}-ff`],
])("one of a later version %s goes on as what version 00 knows of it", (_what, text) => {
  expect(traceParent(text)).toBe(`00-${trace}-${parent}-01`);
});

test.each([
  ["nothing", undefined],
  ["no text", 17],
  ["an empty one", ""],
  ["the version ff", `ff-${trace}-${parent}-01`],
  ["a version that is no hex", `0x-${trace}-${parent}-01`],
  ["a trace id of zeros", `00-${"0".repeat(32)}-${parent}-01`],
  ["a parent id of zeros", `00-${trace}-${"0".repeat(16)}-01`],
  ["capitals", `00-${trace.toUpperCase()}-${parent}-01`],
  ["a trace id that is too short", `00-${trace.slice(1)}-${parent}-01`],
  ["flags that are no hex", `00-${trace}-${parent}-0g`],
  ["more behind version 00", `00-${trace}-${parent}-01-more`],
  ["more without a dash behind a later version", `01-${trace}-${parent}-01.more`],
  ["blanks around it", ` 00-${trace}-${parent}-01 `],
  ["two headers that were joined", `00-${trace}-${parent}-01, 00-${trace}-${parent}-01`],
  ["a line's end", `00-${trace}-${parent}-01\n`],
])("%s is no trace context", (_what, text) => {
  expect(traceParent(text)).toBeUndefined();
});

test("whatever is taken for one is of version 00 afterwards, and taken for the same again", () => {
  const hex = (length: number) => fc.stringMatching(new RegExp(`^[0-9a-f]{${length}}$`));
  const likely = fc
    .tuple(hex(2), hex(32), hex(16), hex(2), fc.constantFrom("", "-", '-"\\'))
    .map(([version, ...rest]) => `${[version, ...rest.slice(0, 3)].join("-")}${rest[3]}`);
  let taken = 0;
  const check = fc.property(fc.oneof(likely, fc.string()), (text) => {
    const read = traceParent(text);
    if (read === undefined) return;
    taken++;
    expect(read).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/);
    expect(traceParent(read)).toBe(read);
  });
  fc.assert(check, { numRuns: 500 });
  expect(taken).toBeGreaterThan(50);
});

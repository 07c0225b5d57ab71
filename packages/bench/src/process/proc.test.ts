import { expect, test } from "vitest";
import { parseBusy, parseOpenFilesMax, parseResident, parseSchedstat, parseStat, parseWriteCalls } from "./proc.ts";

const tail = "S 1 2 3 0 -1 4194560 900 0 0 0 120 34 7 8 20 0 11 0 5555 1000000 2000 184467440";

test("CPU ticks are user and kernel time of the process, without its children's", () => {
  expect(parseStat(`4242 (node) ${tail}\n`)).toBe(154);
});

test("a program's name with blanks and parentheses does not move the fields", () => {
  expect(parseStat(`4242 (a) S 9 (x y) ${tail}\n`)).toBe(154);
});

test("resident memory is VmRSS, not the peak of it", () => {
  const status = "Name:\tnode\nVmHWM:\t   90000 kB\nVmRSS:\t   81234 kB\nRssAnon:\t   40000 kB\n";
  expect(parseResident(status)).toBe(81_234 * 1_024);
});

test("write calls are syscw", () => {
  expect(parseWriteCalls("rchar: 1\nwchar: 2\nsyscr: 3\nsyscw: 44\nread_bytes: 0\n")).toBe(44);
});

test("time of a thread is on a core and in its queue", () => {
  expect(parseSchedstat("962258 1000 2\n")).toBe(963_258);
});

test("the machine is busy in user, nice, system and both kinds of interrupts, not idle, waiting for a disk, or twice as a guest", () => {
  expect(parseBusy("cpu  100 20 30 9000 500 6 4 7 50 5\ncpu0 1 1 1 1 1 1 1 0 0 0\n")).toBe(160);
});

test("the limit on open files is the soft one, and may be none", () => {
  const limits = (soft: string) => `Limit  Soft Limit  Hard Limit  Units\nMax open files            ${soft}   40000   files\n`;
  expect(parseOpenFilesMax(limits("20000"))).toBe(20_000);
  expect(parseOpenFilesMax(limits("unlimited"))).toBe(Number.MAX_SAFE_INTEGER);
});

test("text of another shape is told, not read as some number", () => {
  expect(() => parseStat("4242 (node) S 1")).toThrow("utime");
  expect(() => parseResident("Name:\tkthreadd\n")).toThrow("VmRSS");
  expect(() => parseWriteCalls("")).toThrow("syscw");
  expect(() => parseBusy("intr 1 2 3")).toThrow("cpu");
  expect(() => parseSchedstat("")).toThrow("time on a core");
});

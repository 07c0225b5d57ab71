import { constants, inflateRawSync } from "node:zlib";
import { expect, test } from "vitest";
import { CompressedFrames } from "./compressed-frames.ts";
import { encodeText } from "./encoded-event.ts";

const windows = [9, 10, 11, 12, 13, 14, 15];
const texts = [1_100, 5_000, 70_000, 300_000].map((length) =>
  JSON.stringify(["message", "price of apples, ".repeat(length / 17)]),
);

/** What a client reads, with the tail that the server leaves out (RFC 7692 §7.2.2). */
function read(frame: Buffer, windowBits: number): string {
  const head = { 126: 4, 127: 10 }[frame[1] ?? 0] ?? 2;
  const message = Buffer.concat([frame.subarray(head), Buffer.from([0, 0, 0xff, 0xff])]);
  return inflateRawSync(message, { windowBits, finishFlush: constants.Z_SYNC_FLUSH }).toString();
}

test.each(windows)("a client with a window of 2^%i bytes reads what was meant", (windowBits) => {
  for (const text of texts) {
    const { frame: plain, packets } = encodeText(text);
    const frame = new CompressedFrames(plain).of(windowBits);
    expect(frame[0]).toBe(0xc1);
    expect(frame.length).toBeLessThan(plain.length / 5);
    expect(read(frame, windowBits)).toBe(`4${packets[0]}`);
  }
});

test("all with the same window are given the same bytes", () => {
  const frames = new CompressedFrames(encodeText(texts[1] ?? "").frame);
  for (const windowBits of windows) expect(frames.of(windowBits)).toBe(frames.of(windowBits));
  expect(new Set(windows.map((windowBits) => frames.of(windowBits))).size).toBe(windows.length);
});

test("what is short, and whoever does not compress, is left as it is", () => {
  const short = encodeText(JSON.stringify(["message", "x".repeat(900)])).frame;
  const long = encodeText(texts[0] ?? "").frame;
  expect(new CompressedFrames(short).of(15)).toBe(short);
  for (const windowBits of [0, 8]) expect(new CompressedFrames(long).of(windowBits)).toBe(long);
});

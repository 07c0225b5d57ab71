import fc from "fast-check";
import { expect, test } from "vitest";
import { clientFrame, readFrames } from "./frames.ts";

/** One unmasked text frame after another (RFC 6455, 5.2). */
function serverFrames(texts: readonly string[]): Buffer {
  return Buffer.concat(texts.flatMap((text) => [headOf(Buffer.byteLength(text)), Buffer.from(text)]));
}

function headOf(bytes: number): Buffer {
  if (bytes < 126) return Buffer.from([0x81, bytes]);
  const head = Buffer.alloc(bytes < 65_536 ? 4 : 10);
  head[0] = 0x81;
  head[1] = bytes < 65_536 ? 126 : 127;
  if (bytes < 65_536) head.writeUInt16BE(bytes, 2);
  else head.writeBigUInt64BE(BigInt(bytes), 2);
  return head;
}

function read(buffer: Buffer, length = buffer.length): { texts: string[]; rest: number } {
  const texts: string[] = [];
  const rest = readFrames(buffer, 0, length, (from, start, end) => texts.push(from.toString("utf8", start, end)));
  return { texts, rest };
}

test("frames of every length are read as they were written", () => {
  const texts = ["", "a", "b".repeat(125), "c".repeat(126), "d".repeat(65_535), "e".repeat(65_536), "ü€😀"];
  const buffer = serverFrames(texts);
  expect(read(buffer)).toEqual({ texts, rest: buffer.length });
});

test("wherever a chunk ends, whole frames are read and the rest waits for the next chunk", () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ maxLength: 200 }), { minLength: 1, maxLength: 5 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (texts, share) => {
        const buffer = serverFrames(texts);
        const cut = Math.floor(buffer.length * share);
        const first = read(buffer, cut);
        const second = read(buffer.subarray(first.rest));
        expect([...first.texts, ...second.texts]).toEqual(texts);
      },
    ),
  );
});

test("bytes behind the given length are of an older chunk and not looked at", () => {
  const buffer = serverFrames(["new", "old"]);
  expect(read(buffer, 5).texts).toEqual(["new"]);
});

test("a close frame is told", () => {
  expect(() => read(Buffer.from([0x88, 0x02, 0x03, 0xe8]))).toThrow("closed");
});

test("what a client sends is a masked text frame of at most 125 bytes", () => {
  expect([...clientFrame("40")]).toEqual([0x81, 0x82, 0, 0, 0, 0, 0x34, 0x30]);
  expect(() => clientFrame("x".repeat(126))).toThrow();
});

import fc from "fast-check";
import { expect, test } from "vitest";
import { marker, numberAt, startsWith } from "./listening.ts";
import { payload } from "./payload.ts";

test("number and time of a publication are read from its frame, in Socket.IO's wire and in the plain one", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 10_000_000 }), fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }), (n, at) => {
      const data = payload(n, at, 128);
      const frames = { "socket.io": Buffer.from(`42["message",${data},{"offset":1}]`), plain: Buffer.from(data) };
      for (const protocol of ["socket.io", "plain"] as const) {
        const frame = frames[protocol];
        const head = marker[protocol];
        expect(startsWith(frame, 0, frame.length, head)).toBe(true);
        expect(numberAt(frame, head.length)).toBe(n);
        expect(numberAt(frame, frame.indexOf(",", head.length) + 5)).toBe(at);
      }
    }),
  );
});

test("other events, pings and frames cut short are no publications", () => {
  for (const text of ['42["fanfare:welcome",{"n":1,', "2", '42["message",{"', '430[{"ok":true}]']) {
    const frame = Buffer.from(text);
    expect(startsWith(frame, 0, frame.length, marker["socket.io"])).toBe(false);
  }
});

test("a payload has the size that was asked for and is JSON", () => {
  for (const bytes of [64, 128, 512]) {
    const text = payload(250, 123_456_789_012, bytes);
    expect(text.length).toBe(bytes);
    expect(JSON.parse(text)).toMatchObject({ n: 250, t: 123_456_789_012 });
  }
});

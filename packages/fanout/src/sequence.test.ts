import fc from "fast-check";
import { expect, test } from "vitest";
import { Sequence } from "./sequence.ts";

const frames = Array.from({ length: 6 }, (_, index) => Buffer.alloc(index + 1, index));
const steps = fc.array(fc.record({ who: fc.nat(3), frame: fc.nat(5), alone: fc.boolean(), look: fc.boolean() }), {
  maxLength: 60,
});

test("everyone's bytes are the frames that it was given, in order, whoever else was given them or has been written some", () => {
  fc.assert(
    fc.property(steps, (schedule) => {
      const start = Sequence.start();
      const places = [start, start, start, start];
      const given: Buffer[][] = [[], [], [], []];
      for (const { who, frame: index, alone, look } of schedule) {
        const frame = frames[index] ?? Buffer.alloc(0);
        const place = places[who] ?? start;
        places[who] = alone ? place.alone(frame) : place.next(frame);
        given[who]?.push(frame);
        if (look) expect(places[who]?.bytes).toBe(places[who]?.joined.length);
      }
      for (const [who, place] of places.entries()) expect(place.joined).toEqual(Buffer.concat(given[who] ?? []));
    }),
  );
});

test("connections that were given the same share the bytes, by whatever ways they came there", () => {
  const [a, b, c] = frames as [Buffer, Buffer, Buffer];
  const start = Sequence.start();
  const other = start.next(c).next(a);
  const one = start.next(a).next(b);
  expect(start.next(a).next(b).joined).toBe(one.joined);
  expect(start.next(c).next(a)).toBe(other);
  expect(start.next(a).joined).toBe(a);
});

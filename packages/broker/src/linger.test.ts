import { ManualClock } from "@fanfare/test-support";
import { expect, test } from "vitest";
import { Linger } from "./linger.ts";

function started() {
  const clock = new ManualClock();
  const gone: string[] = [];
  return { clock, gone, linger: new Linger(clock, 100, (name) => void gone.push(name)) };
}

test("a name is let go when its time is over, and not before", () => {
  const { clock, gone, linger } = started();
  linger.add("a");
  clock.advance(99);
  expect(gone).toEqual([]);
  clock.advance(1);
  expect(gone).toEqual(["a"]);
  expect(clock.pending).toBe(0);
});

test("a name that is called back stays, and lingers anew the next time", () => {
  const { clock, gone, linger } = started();
  linger.add("a");
  clock.advance(60);
  linger.cancel("a");
  linger.add("a");
  clock.advance(60);
  expect(gone).toEqual([]);
  clock.advance(40);
  expect(gone).toEqual(["a"]);
});

test("a thousand names need one timer, and each goes in its time", () => {
  const { clock, gone, linger } = started();
  for (let name = 0; name < 1_000; name++) {
    linger.add(String(name));
    if (name % 100 === 99) clock.advance(1);
  }
  expect(clock.pending).toBe(1);
  clock.advance(90);
  expect(gone.length).toBe(100);
  clock.advance(9);
  expect(gone.length).toBe(1_000);
});

test("nothing is let go after the close", () => {
  const { clock, gone, linger } = started();
  linger.add("a");
  linger.close();
  clock.advance(1_000);
  expect(gone).toEqual([]);
});

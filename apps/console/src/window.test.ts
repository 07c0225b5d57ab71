import { describe, expect, test } from "vitest";
import { createWindow } from "./window.ts";

function filled(capacity: number, offsets: readonly number[]) {
  const window = createWindow(capacity);
  for (const offset of offsets) window.put(offset, offset * 10, offset * 100);
  return window;
}

describe("the window", () => {
  test("keeps the newest points only, in the order of offsets", () => {
    const window = filled(3, [7, 8, 9, 10]);
    expect(window.read()).toEqual([
      [8, 9, 10],
      [80, 90, 100],
    ]);
    expect(window).toMatchObject({ count: 3, oldest: 8, newest: 10 });
  });

  test("shows an offset that never came as a hole", () => {
    expect(filled(5, [1, 2, 4]).read()).toEqual([
      [1, 2, 3, 4],
      [10, 20, null, 40],
    ]);
  });

  test("puts a late point where it belongs", () => {
    expect(filled(5, [1, 3, 2]).read()).toEqual([
      [1, 2, 3],
      [10, 20, 30],
    ]);
  });

  test("ignores a point that is older than the window", () => {
    expect(filled(3, [10, 7]).read()).toEqual([[10], [100]]);
  });

  test("forgets what a jump of more than its size leaves behind", () => {
    const window = filled(3, [1, 2, 3, 100]);
    expect(window.read()).toEqual([[100], [1000]]);
    expect(window.count).toBe(1);
  });

  test("draws a line over a publication that carries no point", () => {
    const window = filled(5, [1]);
    window.put(2, Number.NaN, 200);
    window.put(3, 30, 300);
    expect(window.read()).toEqual([
      [1, 3],
      [10, 30],
    ]);
    expect(window.times()).toEqual([100, 200, 300]);
  });

  test("is empty after a clear and takes lower offsets again", () => {
    const window = filled(3, [50, 51]);
    window.clear();
    expect(window.count).toBe(0);
    window.put(1, 5, 1);
    expect(window.read()).toEqual([[1], [5]]);
    expect(window.at(1)).toBe(5);
    expect(window.at(50)).toBeUndefined();
  });
});

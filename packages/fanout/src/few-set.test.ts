import { expect, test } from "vitest";
import { FewSet } from "./few-set.ts";

test("it answers as a set does, whatever is done to it", () => {
  const names = ["a", "b", "c", "d"];
  // Every sequence of five steps over four names, with steps that a set and its copy must agree on.
  for (let seed = 0; seed < 4 ** 5 * 3; seed++) {
    const few = new FewSet<string>();
    const set = new Set<string>();
    let rest = seed;
    for (let step = 0; step < 5; step++) {
      const name = names[rest % 4] ?? "a";
      rest = Math.floor(rest / 4);
      if ((seed + step) % 3 === 2) expect(few.delete(name)).toBe(set.delete(name));
      else {
        few.add(name);
        set.add(name);
      }
      const each: string[] = [];
      few.forEach((value) => void each.push(value));
      expect([few.size, [...few], each]).toEqual([set.size, [...set], [...set]]);
      for (const one of names) expect(few.has(one)).toBe(set.has(one));
    }
  }
});

test("what is deleted while one goes through the values does not disturb that", () => {
  const few = new FewSet<string>().add("a").add("b");
  const seen: string[] = [];
  for (const value of few) {
    seen.push(value);
    few.delete(value);
  }
  expect([seen, few.size]).toEqual([["a", "b"], 0]);
});

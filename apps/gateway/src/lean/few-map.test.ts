import { expect, test } from "vitest";
import { FewMap } from "./few-map.ts";

test("it answers as a map does, whatever is done to it", () => {
  const names = ["a", "b", "c"];
  // Every sequence of five steps over three names, with steps that a map and its copy must agree on.
  for (let seed = 0; seed < 3 ** 5 * 4; seed++) {
    const few = new FewMap<string, number>();
    const map = new Map<string, number>();
    let rest = seed;
    for (let step = 0; step < 5; step++) {
      const name = names[rest % 3] ?? "a";
      rest = Math.floor(rest / 3);
      if ((seed + step) % 4 === 3) expect(few.delete(name)).toBe(map.delete(name));
      else {
        few.set(name, step);
        map.set(name, step);
      }
      expect(few.size).toBe(map.size);
      expect(few.values()).toEqual([...map.values()]);
      for (const one of names) expect([few.has(one), few.get(one)]).toEqual([map.has(one), map.get(one)]);
    }
    few.clear();
    expect([few.size, few.values(), few.get("a")]).toEqual([0, [], undefined]);
  }
});

test("what is deleted while one goes through the values does not disturb that", () => {
  const few = new FewMap<string, string>().set("a", "a").set("b", "b").set("c", "c");
  const seen: string[] = [];
  for (const value of few.values()) {
    seen.push(value);
    few.delete(value);
  }
  expect(seen).toEqual(["a", "b", "c"]);
});

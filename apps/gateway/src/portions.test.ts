import { until } from "@fanfare/test-support";
import { expect, test } from "vitest";
import { Portions } from "./portions.ts";

/** A task takes one millisecond of this clock. */
function world() {
  const clock = { ms: 0, monotonic: () => clock.ms };
  const portions = new Portions(clock, 2);
  const done: string[] = [];
  const task = (name: string) => () => {
    clock.ms++;
    done.push(name);
  };
  return { portions, done, task };
}

test("others get their turn between portions, and the order is kept", async () => {
  const { portions, done, task } = world();
  for (let count = 1; count <= 5; count++) portions.add(task(String(count)));
  expect(done).toEqual([]);
  const others = (): void => {
    done.push("|");
    if (done.filter((one) => one !== "|").length < 5) setImmediate(others);
  };
  setImmediate(others);
  await until(() => (done.includes("5") ? undefined : `only ${done}`));
  expect(done.join("")).toMatch(/^12\|34\|5/);
});

import type { Clock } from "@fanfare/domain";
import fc from "fast-check";
import { expect, test } from "vitest";
import { turn } from "../test/world.ts";
import { Rounds } from "./rounds.ts";

/** Connections that are written to in rounds. Each write takes `writeMs` of a clock that stands still otherwise. */
class World {
  readonly log: string[] = [];
  readonly rounds: Rounds;
  readonly #writeMs: number;
  readonly #collected = new Map<string, number[]>();
  readonly #connections = new Map<string, { flush(): void }>();
  #nowMs = 0;

  constructor(writeMs: number) {
    this.#writeMs = writeMs;
    const clock: Clock = { now: () => 0, monotonic: () => this.#nowMs, after: (_ms, task) => this.#after(task) };
    const begun = () => void this.log.push("begun");
    this.rounds = new Rounds({ clock, flushMsMax: 5, begun, ended: (connections) => void this.log.push(`ended ${connections}`) });
  }

  publish(number: number, names: readonly string[]): void {
    for (const name of names) {
      const waiting = this.#collected.get(name);
      if (waiting === undefined) {
        this.#collected.set(name, [number]);
        this.rounds.add(this.#connection(name));
      } else waiting.push(number);
    }
  }

  #connection(name: string): { flush(): void } {
    const known = this.#connections.get(name);
    if (known !== undefined) return known;
    const connection = {
      flush: () => {
        const numbers = this.#collected.get(name);
        this.#collected.delete(name);
        this.#nowMs += this.#writeMs;
        if (numbers !== undefined) this.log.push(`${name} ${numbers.join("+")}`);
      },
    };
    this.#connections.set(name, connection);
    return connection;
  }

  #after(task: () => void): () => void {
    const immediate = setImmediate(task);
    return () => clearImmediate(immediate);
  }
}

const everybody = ["a", "b", "c", "d", "e"];

test("what is written fast is written in one turn", async () => {
  const world = new World(0.01);
  world.publish(1, everybody);
  world.publish(2, ["b"]);
  expect(world.rounds.due).toBe(true);
  await turn();
  expect(world.log).toEqual(["begun", "a 1", "b 1+2", "c 1", "d 1", "e 1", "ended 5"]);
  expect(world.rounds.due).toBe(false);
});

test("a long round hears between its turns, and who is still to come is written that, too", async () => {
  const world = new World(0.5);
  world.publish(1, everybody);
  await turn();
  expect(world.log).toEqual(["begun", "a 1", "b 1"]);
  const { start } = world.rounds;
  world.publish(2, everybody);
  expect(world.rounds.start).toBe(start);
  await turn();
  await turn();
  expect(world.log.slice(3)).toEqual(["c 1+2", "d 1+2", "e 1+2", "ended 5"]);
  expect(world.rounds.due).toBe(true);
  await turn();
  await turn();
  expect(world.rounds.start).not.toBe(start);
  expect(world.log.slice(7)).toEqual(["begun", "a 2", "b 2", "ended 2"]);
  expect(world.rounds.due).toBe(false);
});

test("at the end everything is written at once: what is left of a round, and what waits for the next one", async () => {
  const world = new World(0.5);
  world.publish(1, everybody);
  await turn();
  world.publish(2, everybody);
  world.rounds.finish();
  expect(world.log.slice(3)).toEqual(["c 1+2", "d 1+2", "e 1+2", "ended 5", "begun", "a 2", "b 2", "ended 2"]);
  await turn();
  await turn();
  expect(world.log).toHaveLength(11);
  world.publish(3, ["a"]);
  await turn();
  await turn();
  expect(world.log.slice(11)).toEqual(["begun", "a 3", "ended 1"]);
});

test("whatever is published when, everyone is written all of it, in order, in the round that begins next at the latest", async () => {
  const steps = fc.array(fc.oneof(fc.subarray(everybody), fc.constant("turn" as const)), { minLength: 5, maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(steps, fc.constantFrom(0, 0.3, 2), async (schedule, writeMs) => {
      const world = new World(writeMs);
      const due: [name: string, number: number, begun: number][] = [];
      const rounds = () => world.log.filter((line) => line === "begun").length;
      let number = 0;
      for (const step of schedule) {
        if (step === "turn") await turn();
        else {
          world.publish(++number, step);
          for (const name of step) due.push([name, number, rounds()]);
        }
      }
      for (let turns = 0; world.rounds.due; turns++) {
        expect(turns).toBeLessThan(20);
        await turn();
      }
      const written = everybody.flatMap((name) => {
        let begun = 0;
        return world.log.flatMap((line) => {
          if (line === "begun") begun++;
          const [who, numbers = ""] = line.split(" ");
          return who === name ? numbers.split("+").map((text) => ({ name, number: Number(text), begun })) : [];
        });
      });
      const expected = everybody.flatMap((name) => due.filter(([who]) => who === name));
      expect(written.map(({ name, number }) => [name, number])).toEqual(expected.map(([name, number]) => [name, number]));
      written.forEach(({ begun }, index) => {
        expect(begun).toBeLessThanOrEqual((expected[index]?.[2] ?? 0) + 1);
      });
    }),
    { numRuns: 200 },
  );
});

import { systemClock } from "@fanfare/domain";
import { createLog, createMetrics } from "@fanfare/telemetry";
import { afterEach, describe, expect, test } from "vitest";
import { Pump } from "../src/pump.ts";
import type { Source } from "../src/source.ts";
import { GatedBroker, rules } from "../src/testing/gated-broker.ts";

/** A place that messages come from, real and of one test's own. */
export interface SourceWorld {
  /** One more worker on the place. */
  open(): Source | Promise<Source>;
  /** A producer sends these numbers to the channel, one message each, in this order. */
  send(channel: string, numbers: readonly number[]): Promise<void>;
  /** A producer sends something that nobody can publish. */
  sendPoison(): Promise<void>;
  /** The reasons of what was put aside; absent where the place has nowhere to put it. */
  readonly dead?: () => Promise<string[]>;
  /** How many messages a source may hand over beyond those that there is room for. */
  readonly handsOverMax: number;
  /** Whether what was not acknowledged comes again. */
  readonly redelivers: boolean;
  /** Whether {@link Source.lag} knows. */
  readonly knowsLag: boolean;
  close(): Promise<void>;
}

const log = createLog({ name: "test", level: "silent" });

/** The law of {@link Source}, together with the pump that it feeds. */
export function sourceContract(openWorld: () => Promise<SourceWorld>, until: Until): void {
  describe("every source", () => {
    const ends: (() => Promise<unknown>)[] = [];
    afterEach(async () => {
      for (const end of ends.splice(0).reverse()) await end();
    });
    const opened = async () => {
      const world = await openWorld();
      ends.push(() => world.close());
      const gate = new GatedBroker();
      const metrics = createMetrics({ app: "ingest" });
      const worker = async (heldMax = 1_000, width = 64): Promise<Pump> => {
        const source = await world.open();
        const pump = new Pump({ source, broker: gate, rules, metrics, log, clock: systemClock, heldMax, width });
        await pump.start();
        ends.push(() => pump.drain(0));
        return pump;
      };
      const arrived = (channel: string, count: number): Promise<void> =>
        until(async () => {
          const heard = gate.heard(channel);
          return heard.length >= count ? undefined : `only ${heard.length} of ${count} arrived`;
        }, 15_000);
      const counted = async (name: string): Promise<number> => {
        const lines = (await metrics.text()).split("\n").filter((line) => line.startsWith(`${name}{`));
        return lines.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
      };
      return { world, gate, worker, arrived, counted };
    };

    test("messages are published once each, in the order in which they were sent", async () => {
      const { world, gate, worker, arrived, counted } = await opened();
      await worker();
      await world.send("a", range(1, 300));
      await arrived("a", 300);
      expect(gate.heard("a")).toEqual(range(1, 300));
      expect(await counted("fanfare_ingest_consumed_total")).toBe(300);
      expect(await counted("fanfare_ingest_published_total")).toBe(300);
    });

    test("while the broker is away the source is held back; then everything comes, in order and once", async () => {
      const { world, gate, worker, arrived, counted } = await opened();
      gate.mode = "away";
      await worker(20);
      await world.send("a", range(1, 200));
      await until(() => (gate.attempts.length > 2 ? undefined : "nothing was tried"));
      const tried = new Set(gate.attempts.map(({ payload }) => payload.json));
      expect([...tried]).toEqual(range(1, tried.size).map(String));
      expect(tried.size).toBeLessThanOrEqual(20 + world.handsOverMax);
      gate.mode = "open";
      await arrived("a", 200);
      expect(gate.heard("a")).toEqual(range(1, 200));
      expect(await counted("fanfare_ingest_paused_seconds_total")).toBeGreaterThan(0);
    });

    test("one by one, not even a broker whose memory hovers at its limit changes the order", async () => {
      const { world, gate, worker, arrived } = await opened();
      await worker(1_000, 1);
      const flicker = setInterval(() => {
        gate.mode = gate.mode === "open" ? "full" : "open";
      }, 5);
      await world.send("a", range(1, 200));
      await arrived("a", 200);
      clearInterval(flicker);
      gate.mode = "open";
      expect(gate.heard("a")).toEqual(range(1, 200));
    });

    test("answers that were lost double nothing", async () => {
      const { world, gate, worker, arrived } = await opened();
      gate.mode = "mute";
      await worker();
      await world.send("a", range(1, 50));
      await until(() => (gate.attempts.length > 1 ? undefined : "nothing was tried"));
      gate.mode = "open";
      await arrived("a", 50);
      expect(gate.heard("a")).toEqual(range(1, 50));
    });

    test("poison is put aside with its reason and holds up nobody", async () => {
      const { world, gate, worker, arrived, counted } = await opened();
      await worker();
      await world.send("a", [1]);
      await world.sendPoison();
      await world.send("a", [2]);
      await arrived("a", 2);
      expect(gate.heard("a")).toEqual([1, 2]);
      await until(async () => ((await counted("fanfare_ingest_poison_total")) === 1 ? undefined : "the poison was not counted"));
      const { dead } = world;
      if (dead === undefined) return;
      await until(async () => ((await dead()).length === 1 ? undefined : "the poison was not put aside"));
      expect((await dead())[0]).toMatch(/^[A-Z_]+: /);
    });

    test("a worker that drains has stored all it took, and takes nothing more", async () => {
      const { world, gate, worker, arrived } = await opened();
      const pump = await worker();
      await world.send("a", range(1, 100));
      await arrived("a", 1);
      await pump.drain(5_000);
      const stored = gate.heard("a");
      expect(stored).toEqual(range(1, stored.length));
      const attempts = gate.attempts.length;
      if (!world.redelivers) return;
      await world.send("a", [101]);
      await worker();
      await arrived("a", 101);
      expect(gate.heard("a")).toEqual(range(1, 101));
      expect(gate.attempts.length - attempts).toBe(101 - stored.length);
    });

    test("what a worker left unacknowledged another one publishes: in order, nothing lost, nothing doubled", async () => {
      const { world, gate, worker, arrived, counted } = await opened();
      if (!world.redelivers) return;
      const first = await worker();
      await world.send("a", range(1, 20));
      await arrived("a", 20);
      // Stored, but nobody was told: as when a worker is killed between the two.
      gate.mode = "mute";
      await world.send("a", range(21, 60));
      await arrived("a", 21);
      await first.drain(0);
      gate.mode = "open";
      await worker();
      await world.send("a", [61]);
      await arrived("a", 61);
      expect(gate.heard("a")).toEqual(range(1, 61));
      expect(await counted("fanfare_ingest_duplicates_total")).toBeGreaterThan(0);
    });

    test("a second worker does not disturb the order, and goes on when the first ends", async () => {
      const { world, gate, worker, arrived } = await opened();
      if (!world.redelivers) return;
      const first = await worker();
      await worker();
      await world.send("a", range(1, 200));
      await arrived("a", 20);
      await first.drain(5_000);
      await world.send("a", range(201, 300));
      await arrived("a", 300);
      expect(gate.heard("a")).toEqual(range(1, 300));
    });

    test("the lag is what waits at the place", async () => {
      const { world } = await opened();
      if (!world.knowsLag) return;
      const source = await world.open();
      let makeRoom = (): void => undefined;
      const room = new Promise<void>((resolve) => {
        makeRoom = resolve;
      });
      await source.start(() => room);
      ends.push(async () => {
        makeRoom();
        await source.stop();
        await source.close();
      });
      await world.send("a", range(1, 2_000));
      const settledAt = async (low: number, high: number): Promise<void> =>
        until(async () => {
          const lag = await source.lag().catch(() => undefined);
          return lag !== undefined && lag >= low && lag <= high ? undefined : `the lag is ${lag}`;
        });
      await settledAt(1_400, 2_000);
      await world.send("a", range(2_001, 3_000));
      await settledAt(2_400, 3_000);
    });
  });
}

type Until = (unmet: () => string | undefined | Promise<string | undefined>, ms?: number) => Promise<void>;

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

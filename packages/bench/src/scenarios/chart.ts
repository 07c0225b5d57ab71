import { openRooms, type Room, row } from "../contestants/rooms.ts";
import type { BenchOptions } from "../host.ts";
import type { Stage } from "../process/stage.ts";
import type { Outcome, Sample } from "../report/outcome.ts";
import type { Contestant } from "../report/repetitions.ts";
import { discardNote, measured, rowNotes } from "./deliveries.ts";
import { briefly, foreignNote, onStage, type Scenario } from "./scenario.ts";

/** Messages a second, rung by rung. */
export const rungs = [10, 20, 50, 100, 200, 500, 1_000, 2_000] as const;
const payloadBytes = 128;
const rungMs = 1_200;
/** At the lowest rates, so that CPU is more than a few ticks of its clock. */
const messagesMin = 24;
const warmUp = { messages: 50, perSecond: 100, payloadBytes };
const rows = [row.fanfare, row.classic, row.sharded, row.loop, row.floor];
/** A core that is used so far by a server that cannot keep up is full. */
const fullPercent = 80;
/** Rungs that may be left out before it is not worth going on. */
const leftOutMax = 1;
/** A server below this share of the offered deliveries cannot keep up. */
const keptUpShare = 0.85;

/** What a delivery costs at which rate, up to where a core is full: the points of the chart. */
export const chart: Scenario = {
  about: "CPU per delivery from 10 messages a second up to where a core is full",
  run: (host, options) =>
    onStage(host, options, async ({ stage, repeat }): Promise<Outcome[]> => {
      const rooms = await openRooms(stage, host, rows, options.subscribers);
      const pinning = await stage.isolate(rooms.map(({ cluster }) => cluster.pids.listening));
      for (const { cluster, swarm } of rooms) await swarm.worker.ask("paced", { publish: cluster.publish, pace: warmUp });
      const series = await repeat(rooms.map((room) => climb(room, stage, options)));
      return [
        {
          title: `chart: server CPU µs/delivery, ${options.subscribers.toLocaleString("en-US")} subscribers, ${payloadBytes} bytes`,
          metrics: [
            ...rungs.map((rung) => ({ key: keyOf(rung), title: `${rung}\nmsg/s`, digits: 2 })),
            { key: "fullRate", title: "full at\nmsg/s", digits: 0 },
          ],
          series,
          ratio: [],
          notes: [
            `Each rung lasts ${briefly(options, rungMs) / 1_000} s. A contestant climbs until its core is full; then that rate is what it delivered.`,
            `${discardNote} Here that holds for a rung, which is then left out.`,
            ...rowNotes(rooms),
            pinning,
            foreignNote(series),
          ],
        },
      ];
    }),
};

/** The key of a rung's µs in a sample. */
export function keyOf(rung: number): string {
  return `at${rung}`;
}

function climb(room: Room, stage: Stage, options: BenchOptions): Contestant {
  const { subscribers } = options;
  const lastMs = briefly(options, rungMs);
  return {
    name: room.name,
    async run() {
      const sample: Record<string, number> = {};
      const foreign: number[] = [];
      let left = 0;
      for (const perSecond of rungs) {
        const pace = { messages: Math.max(messagesMin, Math.round((perSecond * lastMs) / 1_000)), perSecond, payloadBytes };
        const run = await measured(room, stage, "paced", () =>
          room.swarm.worker.ask("paced", { publish: room.cluster.publish, pace }),
        );
        if ("discard" in run) {
          left += 1;
          if (left > leftOutMax) break;
          continue;
        }
        const { micros = 0, perSecond: delivered = 0, busy = 0, foreignShare = 0 }: Sample = run.sample;
        foreign.push(foreignShare);
        const keptUp = delivered >= perSecond * subscribers * keptUpShare;
        if (keptUp) sample[keyOf(perSecond)] = micros;
        if (!keptUp) {
          // Not busy and behind: then it is the publisher, the reader or another process that has no more to give.
          if (busy >= fullPercent) Object.assign(sample, { fullRate: delivered / subscribers, fullMicros: micros });
          break;
        }
      }
      return { sample: { ...sample, foreignShare: Math.max(0, ...foreign) } };
    },
  };
}

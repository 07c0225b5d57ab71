import { openRooms, row } from "../contestants/rooms.ts";
import { discardNote, measured, metric, rowNotes } from "./deliveries.ts";
import { briefly, foreignNote, onStage, type Scenario } from "./scenario.ts";

const sustained = { forMs: 2_000, connections: 16, aheadMax: 256, payloadBytes: 128 };
const warmUpMs = 500;
const rows = [row.fanfare, row.classic, row.sharded, row.loop, row.floor, row.floorOfEight];

/** How many deliveries one core can make, when publications come faster than that. */
export const saturate: Scenario = {
  about: "deliveries of one core, publications as fast as the node takes them",
  run: (host, options) =>
    onStage(host, options, async ({ stage, repeat }) => {
      const flood = { ...sustained, forMs: briefly(options, sustained.forMs) };
      const rooms = await openRooms(stage, host, rows, options.subscribers);
      const pinning = await stage.isolate(rooms.map(({ cluster }) => cluster.pids.listening));
      for (const { cluster, swarm } of rooms) {
        await swarm.worker.ask("saturated", { publish: cluster.publish, ...flood, forMs: warmUpMs });
      }
      const series = await repeat(
        rooms.map((room) => ({
          name: room.name,
          run: () =>
            measured(room, stage, "backlog", () =>
              room.swarm.worker.ask("saturated", { publish: room.cluster.publish, ...flood }),
            ),
        })),
      );
      return [
        {
          title: `saturate: ${options.subscribers.toLocaleString("en-US")} subscribers, ${flood.payloadBytes} bytes`,
          metrics: [metric.micros, metric.perCoreSecond, metric.busy, metric.joined, metric.read, metric.readerIdle],
          series,
          ratio: [
            { of: "micros", to: row.sharded, title: "stock" },
            { of: "micros", to: row.floor, title: "C" },
          ],
          notes: [
            `${flood.connections} publishers, each publishes again as soon as it is answered, while at most ${flood.aheadMax} publications are ahead of the subscribers.`,
            "Deliveries a core-second: those of one core when busy all the time. Busy below 90 %: the core that publishes and reads had no more to give.",
            discardNote,
            ...rowNotes(rooms),
            pinning,
            foreignNote(series),
          ],
        },
      ];
    }),
};

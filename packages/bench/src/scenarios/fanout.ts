import { openRooms, row } from "../contestants/rooms.ts";
import { discardNote, measured, metric, rowNotes } from "./deliveries.ts";
import { briefly, foreignNote, onStage, type Scenario } from "./scenario.ts";

const payloadBytes = 128;
const steady = { messages: 250, perSecond: 100, payloadBytes };
const warmUp = { messages: 50, perSecond: 100, payloadBytes };
const rows = [row.fanfare, row.classic, row.sharded, row.loop, row.floor];

/** What a delivery costs the node that holds the subscribers, at a steady rate. */
export const fanout: Scenario = {
  about: "CPU per delivery to 1,000 subscribers at 100 messages a second",
  run: (host, options) =>
    onStage(host, options, async ({ stage, repeat }) => {
      const pace = { ...steady, messages: briefly(options, steady.messages) };
      const rooms = await openRooms(stage, host, rows, options.subscribers);
      const pinning = await stage.isolate(rooms.map(({ cluster }) => cluster.pids.listening));
      for (const { cluster, swarm } of rooms) await swarm.worker.ask("paced", { publish: cluster.publish, pace: warmUp });
      const series = await repeat(
        rooms.map((room) => ({
          name: room.name,
          run: () =>
            measured(room, stage, "paced", () => room.swarm.worker.ask("paced", { publish: room.cluster.publish, pace })),
        })),
      );
      return [
        {
          title: `fanout: ${pace.perSecond} messages a second, ${options.subscribers.toLocaleString("en-US")} subscribers, ${payloadBytes} bytes`,
          metrics: [metric.micros, metric.p50, metric.p99, metric.joined, metric.read, metric.readerIdle],
          series,
          ratio: [
            { of: "micros", to: row.sharded, title: "stock" },
            { of: "micros", to: row.floor, title: "C" },
          ],
          notes: [discardNote, ...rowNotes(rooms), pinning, foreignNote(series)],
        },
      ];
    }),
};

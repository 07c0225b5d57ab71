import type { Cluster } from "../contestants/cluster.ts";
import { fanfareCluster } from "../contestants/fanfare.ts";
import { adapterNote, stockCluster } from "../contestants/stock.ts";
import { metered } from "../process/meter.ts";
import type { Stage } from "../process/stage.ts";
import type { Metric } from "../report/outcome.ts";
import type { Contestant } from "../report/repetitions.ts";
import { percentile } from "../report/statistics.ts";
import type { ListenerDuties } from "../workers/listener.ts";
import type { PublisherDuties } from "../workers/publisher.ts";
import { foreignNote, onStage, type Scenario } from "./scenario.ts";

const pace = { messages: 500, perSecond: 100, payloadBytes: 128 };
const warmUp = { ...pace, messages: 50 };
const connections = 4;

const metrics: readonly Metric[] = [
  { key: "p50", title: "p50\nms", digits: 2, spread: true },
  { key: "p99", title: "p99\nms", digits: 2, spread: true },
  { key: "max", title: "max\nms", digits: 1, spread: true },
];

/** How long a publication takes from the publisher to a client on another node. */
export const latency: Scenario = {
  about: "end to end latency at 100 messages a second on two nodes",
  run: (host, options) =>
    onStage(host, options, async ({ stage, repeat }) => {
      const ours = await contestant("fanfare", await fanfareCluster(stage, 2), stage);
      const stock = await contestant("stock", await stockCluster(stage, 2), stage);
      const series = await repeat([ours, stock]);
      return [
        {
          title: `latency: ${pace.perSecond} messages a second, ${pace.payloadBytes} bytes, 2 nodes`,
          metrics,
          series,
          ratio: { of: "p50", to: "stock" },
          notes: [
            `From the publisher's turn to the handler of a stock websocket client in another process, ${pace.messages} messages a run. fanfare: admin, Redis, second node. stock: first node, Redis, second node.`,
            adapterNote,
            "Not pinned to cores.",
            foreignNote(series),
          ],
        },
      ];
    }),
};

async function contestant(name: string, { publish, listen }: Cluster, stage: Stage): Promise<Contestant> {
  const listener = stage.worker<ListenerDuties>("listener");
  const publisher = stage.worker<PublisherDuties>("publisher");
  await listener.ask("open", listen);
  return {
    name,
    async run() {
      await publisher.ask("paced", { target: publish, pace: warmUp, connections });
      await listener.ask("take", { count: warmUp.messages });
      const work = () => publisher.ask("paced", { target: publish, pace, connections });
      const { foreignShare } = await metered([], stage.pids, work);
      const micros = await listener.ask("take", { count: pace.messages });
      if (micros.length !== pace.messages) return { discard: `${micros.length} of ${pace.messages} messages arrived` };
      const ms = (value: number) => value / 1_000;
      const [p50, p99, max] = [0.5, 0.99, 1].map((share) => ms(percentile(micros, share)));
      return { sample: { p50: p50 ?? 0, p99: p99 ?? 0, max: max ?? 0, foreignShare } };
    },
  };
}

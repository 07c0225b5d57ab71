import { fanfareCluster } from "../contestants/fanfare.ts";
import { stockCluster } from "../contestants/stock.ts";
import { metered } from "../process/meter.ts";
import type { Metric } from "../report/outcome.ts";
import type { Contestant } from "../report/repetitions.ts";
import type { PollerDuties } from "../workers/poller.ts";
import { briefly, foreignNote, onStage, type Scenario } from "./scenario.ts";

/** One session at a time shows what forwarding adds; many keep the nodes busy, so that CPU is read finely. */
const alone = { sessions: 1, forMs: 1_000 };
const together = { sessions: 16, forMs: 2_000 };
const warmUp = { sessions: 16, forMs: 500 };

const metrics: readonly Metric[] = [
  { key: "p50", title: "p50\nms", digits: 2, spread: true },
  { key: "p99", title: "p99\nms", digits: 2, spread: true },
  { key: "ownerMicros", title: "owner\nµs/request", digits: 0 },
  { key: "otherMicros", title: "other\nµs/request", digits: 0 },
  { key: "bothMicros", title: "both\nµs/request", digits: 0 },
];

/** What it costs when a balancer sends a long-polling request to another node than the session's. */
export const forward: Scenario = {
  about: "long-polling through another node than the session's: latency and CPU",
  run: (host, options) =>
    onStage(host, options, async ({ stage, repeat }) => {
      const { gateways } = await fanfareCluster(stage, 2);
      const [owner, other] = gateways;
      if (owner === undefined || other === undefined) throw new Error("Of two nodes there are two.");
      const stock = await stockCluster(stage, 1);
      const stockNode = { pid: stock.pids.listening, port: stock.listen.port };
      const poller = stage.worker<PollerDuties>("poller");
      const pinning = await stage.isolate([owner.pid, other.pid, stockNode.pid]);

      const contestant = (name: string, at: typeof stockNode, through: typeof stockNode): Contestant => ({
        name,
        async run() {
          const wish = { owner: at.port, to: through.port };
          await poller.ask("poll", { ...wish, ...warmUp });
          const { p50Ms, p99Ms } = await poller.ask("poll", { ...wish, ...alone, forMs: briefly(options, alone.forMs) });
          const work = () => poller.ask("poll", { ...wish, ...together, forMs: briefly(options, together.forMs) });
          const { result, cpuMicros, foreignShare } = await metered([at.pid, through.pid], stage.pids, work);
          const [ownerMicros = 0, throughMicros = 0] = cpuMicros.map((micros) => micros / result.requests);
          const otherMicros = at === through ? 0 : throughMicros;
          const sample = {
            p50: p50Ms,
            p99: p99Ms,
            ownerMicros,
            otherMicros,
            bothMicros: ownerMicros + otherMicros,
            foreignShare,
          };
          return { sample };
        },
      });
      const series = await repeat([
        contestant("fanfare, direct", owner, owner),
        contestant("fanfare, forwarded", owner, other),
        contestant("stock, direct", stockNode, stockNode),
      ]);
      return [
        {
          title: "forward: long-polling to the session's own node, and through another one",
          metrics,
          series,
          ratio: [
            { of: "p50", to: "fanfare, direct", title: "p50" },
            { of: "bothMicros", to: "fanfare, direct", title: "CPU" },
          ],
          notes: [
            "p50 and p99: one POST with an event and the poll that brings its answer, two requests on a kept connection, one session. CPU: of each request with 16 sessions; both is the sum over the two nodes.",
            "stock cannot forward: to another node it answers 400 (Session ID unknown).",
            pinning,
            foreignNote(series),
          ],
        },
      ];
    }),
};

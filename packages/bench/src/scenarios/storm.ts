import { FanfareError } from "@fanfare/domain";
import { channel } from "../contestants/cluster.ts";
import { fanfareCluster } from "../contestants/fanfare.ts";
import { stockCluster } from "../contestants/stock.ts";
import type { BenchHost, BenchOptions } from "../host.ts";
import { openFilesMax } from "../process/proc.ts";
import type { Served, Stage } from "../process/stage.ts";
import type { Metric } from "../report/outcome.ts";
import type { Contestant } from "../report/repetitions.ts";
import type { PublishTarget } from "../wire/post-connection.ts";
import type { ReturnersDuties } from "../workers/returners.ts";
import { onStage, repeater, type Scenario } from "./scenario.ts";

const nodes = 3;
/** While they are away and coming back. Each publication goes to all of them. */
const perSecond = 2;
const payloadBytes = 128;
/** For the last to be back and caught up. */
const forMsMax = 60_000;
/** Files that a process has open beside its connections, generously. */
const otherFiles = 200;

const seconds = (key: string, title: string, digits = 1): Metric => ({ key, title, digits });
const metrics: readonly Metric[] = [
  seconds("backP50", "back\np50 s"),
  seconds("backP99", "back\np99 s"),
  seconds("backMax", "back\nmax s"),
  seconds("caughtUpMax", "caught up\nmax s"),
  { key: "lost", title: "lost", digits: 0 },
  { key: "doubled", title: "doubled", digits: 0 },
  { key: "resumed", title: "resumed\n%", digits: 1 },
  { key: "refusals", title: "asked to\nwait", digits: 0 },
  { key: "lagMs", title: "loop late\nmax ms", digits: 0 },
];

interface Ground {
  readonly publish: PublishTarget;
  /** The first is killed. */
  readonly nodes: readonly Served[];
  readonly recovers: boolean;
  /** Longest that an event loop of the nodes that are left was late since this was last asked. */
  lagMs(): Promise<number>;
}

/** All clients of one node lose it at once, and come back to the others. */
export const storm: Scenario = {
  about: "a node with all clients is killed: time until they are back on two others, and what they missed",
  run: async (host, options) => {
    const filesMax = openFilesMax() - otherFiles;
    if (options.connections > filesMax) {
      const message = `${options.connections} are more than the ${filesMax} that the limit on open files allows (ulimit -n)`;
      throw new FanfareError("SETTINGS_INVALID", { errors: [{ path: "--connections", message }] });
    }
    const series = await repeater(
      host,
      options,
    )([contestant("fanfare", host, options, fanfareGround), contestant("stock", host, options, stockGround)]);
    return [
      {
        title: `storm: ${options.connections.toLocaleString("en-US")} websocket clients on one node, which is killed; two others are left`,
        metrics,
        series,
        ratio: { of: "backP99", to: "stock" },
        notes: [
          `Back: has its channel again, counted from the SIGKILL. Caught up: has also heard everything that was published by then; ${perSecond} publications a second to all of them go on.`,
          "Clients try again as the stock one does: after 0.5 to 1.5 s, then later and later. They show their session and bookmark to fanfare; at stock, which cannot resume over its Redis adapter, they subscribe again, and miss what was published meanwhile.",
          "fanfare has its default of 1,000 new connections a second and node; asked to wait are those beyond. stock takes all at once.",
          "Loop late: of the two nodes that are left, by their own metrics; stock has none.",
        ],
      },
    ];
  },
};

function contestant(name: string, host: BenchHost, options: BenchOptions, start: (stage: Stage) => Promise<Ground>): Contestant {
  return {
    name,
    run: () =>
      onStage(host, options, async ({ stage }) => {
        const ground = await start(stage);
        const [victim, ...refuges] = ground.nodes;
        if (victim === undefined) throw new Error("A cluster has at least one node.");
        const returners = stage.worker<ReturnersDuties>("returners");
        const { recovers, publish } = ground;
        await returners.ask("open", { channel, recovers, port: victim.port, count: options.connections });
        await ground.lagMs();
        const ports = refuges.map(({ port }) => port);
        const wish = { publish, victim: victim.pid, refuges: ports, perSecond, payloadBytes, forMsMax };
        const report = await returners.ask("storm", wish);
        const lagMs = await ground.lagMs();
        if (report.back < report.clients) return { discard: `${report.back} of ${report.clients} came back` };
        const [backP50, backP99, backMax] = report.backMs.map((ms) => ms / 1_000);
        return {
          sample: {
            backP50: backP50 ?? Number.NaN,
            backP99: backP99 ?? Number.NaN,
            backMax: backMax ?? Number.NaN,
            caughtUpMax: report.caughtUpMs[2] / 1_000,
            lost: report.lost,
            doubled: report.doubled,
            resumed: (report.sameSession / report.clients) * 100,
            refusals: report.refusals,
            lagMs,
          },
        };
      }),
  };
}

async function fanfareGround(stage: Stage): Promise<Ground> {
  // As it ships, but for the opening of all these connections on one node beforehand.
  const { publish, gateways } = await fanfareCluster(stage, nodes, (node) =>
    node === 0 ? { FANFARE_ACCEPT_PER_SECOND: "1000000" } : {},
  );
  const lagMs = async (): Promise<number> => {
    const late = gateways.slice(1).map(async ({ peerPort }) => {
      const text = await (await fetch(`http://127.0.0.1:${peerPort}/metrics`)).text();
      return Number(/^nodejs_eventloop_lag_max_seconds\S* (\S+)$/m.exec(text)?.[1] ?? Number.NaN) * 1_000;
    });
    return Math.max(...(await Promise.all(late)));
  };
  return { publish, nodes: gateways, recovers: true, lagMs };
}

async function stockGround(stage: Stage): Promise<Ground> {
  const { publish, workers, ports } = await stockCluster(stage, nodes);
  // The first node answers publishes, so it is the last that dies.
  const all = workers.map(({ pid }, index) => ({ pid, port: ports[index] ?? 0 })).reverse();
  return { publish, nodes: all, recovers: false, lagMs: async () => Number.NaN };
}

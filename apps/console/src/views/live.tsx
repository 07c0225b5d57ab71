import type { NodeRecord, Stats, StatsHistory, StatsSample } from "@fanfare/domain";
import { useEffect, useMemo, useState } from "preact/hooks";
import type { Told } from "../cluster-feed.ts";
import { brief, count, duration, nothing } from "../parts/format.ts";
import { Happenings } from "../parts/happenings.tsx";
import { factsOf } from "../parts/node-facts.ts";
import { TimePanel } from "../parts/time-panel.tsx";
import { Fact, Facts, MissingNodes, Problem, Tag } from "../parts/ui.tsx";
import { aboutNodes, type Pace, usePoll } from "../parts/use-poll.ts";
import { hrefOf } from "../routes.ts";
import { merged, momentsOf } from "../samples.ts";
import { useAsk, useView } from "../view.ts";

interface Now {
  readonly stats: Stats;
  readonly nodes: readonly NodeRecord[];
}

interface Panel {
  readonly title: string;
  readonly format: (value: number) => string;
  readonly lines: readonly (readonly [name: string, colour: string, value: (sample: StatsSample) => number | null])[];
}

const panels: readonly Panel[] = [
  { title: "Publications / s", format: brief, lines: [["", "--trace", (sample) => sample.publicationsPerSecond]] },
  { title: "Deliveries / s", format: brief, lines: [["", "--trace", (sample) => sample.deliveriesPerSecond]] },
  {
    title: "Connections",
    format: brief,
    lines: [
      ["websocket", "--trace", ({ websocket }) => websocket],
      ["polling", "--second", ({ polling }) => polling],
    ],
  },
  {
    title: "Delivery latency",
    format: duration,
    lines: [
      ["p50", "--trace", ({ latencyMs }) => latencyMs?.p50 ?? null],
      ["p99", "--second", ({ latencyMs }) => latencyMs?.p99 ?? null],
    ],
  },
];

/** History fills the holes: at first, and whenever the feed may have left something out; without a feed, now and then. */
const ofHistory: Pace = { everyMs: 30_000, calmMs: 0, stirs: ({ type }: Told) => type === "live" || type === "gap" };

/** The cluster at a glance: what it does, how it has done, what happens, and each of its nodes. */
export default function Live() {
  const ask = useAsk();
  const { events } = useView();
  const [inspected, inspect] = useState<number | null>(null);
  const [samples, setSamples] = useState<readonly StatsSample[]>([]);
  const past = usePoll("past", ofHistory, (signal) => ask<StatsHistory>("GET", "/stats/history", undefined, signal));
  // How each node does is not in the feed; the cluster's numbers are.
  const pace = { everyMs: 2_000, calmMs: 4_000, stirs: aboutNodes };
  const now = usePoll("now", pace, async (signal): Promise<Now> => {
    const [stats, nodes] = await Promise.all([
      ask<Stats>("GET", "/stats", undefined, signal),
      ask<{ items: NodeRecord[] }>("GET", "/nodes", undefined, signal),
    ]);
    return { stats, nodes: nodes.items };
  });
  const { stats, nodes = [] } = now.answer ?? {};

  useEffect(() => {
    if (past.answer !== undefined) setSamples((before) => merged(before, past.answer?.items ?? []));
  }, [past.answer]);
  useEffect(() => {
    if (stats !== undefined) setSamples((before) => merged(before, [sampleOf(stats)]));
  }, [stats]);
  useEffect(() => events?.listen((told) => told.type === "rates" && setSamples((before) => merged(before, [told]))), [events]);

  const newest = samples.at(-1);
  const moments = useMemo(() => momentsOf(samples), [samples]);
  const times = moments.map(({ at }) => at);
  const figures: readonly [name: string, value: string | undefined, testId?: string][] = [
    ["Connections", newest && count(newest.websocket + newest.polling), "connections"],
    ["Publications / s", newest && brief(newest.publicationsPerSecond), "publications"],
    ["Deliveries / s", newest && brief(newest.deliveriesPerSecond), "deliveries"],
    ["Latency p99", newest?.latencyMs ? duration(newest.latencyMs.p99) : undefined, "latency"],
    ["Channels", stats && count(stats.channels)],
    ["Users", stats && count(stats.users)],
  ];
  return (
    <>
      <h1>Live</h1>
      <Problem what={now.problem ?? past.problem} />
      <dl class="figures">
        {figures.map(([name, value, testId]) => (
          <Fact key={name} name={name} testId={testId}>
            {value ?? nothing}
          </Fact>
        ))}
      </dl>
      <MissingNodes nodes={stats?.nodesMissing} />
      <div class="panels">
        {panels.map(({ title, format, lines }) => (
          <TimePanel
            key={title}
            title={title}
            format={format}
            times={times}
            lines={lines.map(([name, colour, value]) => ({
              name,
              colour,
              values: moments.map(({ sample }) => (sample === undefined ? null : value(sample))),
            }))}
            inspected={inspected}
            onInspect={inspect}
          />
        ))}
      </div>
      <div class="below">
        <ul class="tiles" aria-label="Nodes">
          {nodes.map((node) => (
            <NodeTile key={node.node} node={node} stats={stats} />
          ))}
        </ul>
        <Happenings />
      </div>
    </>
  );
}

function NodeTile({ node, stats }: { node: NodeRecord; stats: Stats | undefined }) {
  const { connections, facts } = factsOf(node, stats);
  return (
    <li class="card tile">
      <div class="card-head">
        <h2>
          <a href={hrefOf("nodes", node.node)}>{node.node}</a>
        </h2>
        <Tag tone={node.state === "ready" ? "good" : "bad"}>{node.state}</Tag>
      </div>
      <p class="large">
        {count(connections)} <small>connections</small>
      </p>
      <Facts of={facts} />
    </li>
  );
}

function sampleOf(stats: Stats): StatsSample {
  const { at, nodes, transports, publicationsPerSecond, deliveriesPerSecond, latencyMs } = stats;
  return { at, nodes, ...transports, publicationsPerSecond, deliveriesPerSecond, latencyMs };
}

import type { NodeRecord, Stats, StatsHistory, StatsSample } from "@fanfare/domain";
import { useEffect, useState } from "preact/hooks";
import { age, brief, bytes, count, duration, nothing } from "../parts/format.ts";
import { TimePanel } from "../parts/time-panel.tsx";
import { Figure, MissingNodes, Problem, Tag } from "../parts/ui.tsx";
import { usePoll } from "../parts/use-poll.ts";
import { hrefOf } from "../routes.ts";
import { useAsk } from "../view.ts";

const everyMs = 2_000;
const keptMs = 600_000;

interface Now {
  readonly stats: Stats;
  readonly nodes: readonly NodeRecord[];
}

/** The cluster at a glance: what it does, how it has done, and each of its nodes. */
export default function Live() {
  const ask = useAsk();
  const [samples, setSamples] = useState<readonly StatsSample[]>([]);
  const past = usePoll("past", 0, (signal) => ask<StatsHistory>("GET", "/stats/history", undefined, signal));
  const now = usePoll("now", everyMs, async (signal): Promise<Now> => {
    const [stats, nodes] = await Promise.all([
      ask<Stats>("GET", "/stats", undefined, signal),
      ask<{ items: NodeRecord[] }>("GET", "/nodes", undefined, signal),
    ]);
    return { stats, nodes: nodes.items };
  });
  const { stats, nodes = [] } = now.answer ?? {};

  useEffect(() => {
    if (past.answer !== undefined) setSamples((later) => merged(past.answer?.items ?? [], later));
  }, [past.answer]);
  useEffect(() => {
    if (stats !== undefined) setSamples((before) => merged(before, [sampleOf(stats)]));
  }, [stats]);

  const times = samples.map(({ at }) => at);
  const line = (name: string, colour: string, value: (sample: StatsSample) => number | null) => ({
    name,
    colour,
    values: samples.map(value),
  });
  return (
    <>
      <h1>Live</h1>
      <Problem what={now.problem ?? past.problem} />
      <dl class="figures">
        <Figure name="Connections" value={stats === undefined ? nothing : count(stats.connections)} testId="connections" />
        <Figure
          name="Publications / s"
          value={stats === undefined ? nothing : brief(stats.publicationsPerSecond)}
          testId="publications"
        />
        <Figure
          name="Deliveries / s"
          value={stats === undefined ? nothing : brief(stats.deliveriesPerSecond)}
          testId="deliveries"
        />
        <Figure name="Latency p99" value={stats?.latencyMs == null ? nothing : duration(stats.latencyMs.p99)} testId="latency" />
        <Figure name="Channels" value={stats === undefined ? nothing : count(stats.channels)} />
        <Figure name="Users" value={stats === undefined ? nothing : count(stats.users)} />
      </dl>
      <MissingNodes nodes={stats?.nodesMissing} />
      <div class="panels">
        <TimePanel
          title="Publications / s"
          times={times}
          lines={[line("", "--trace", (sample) => sample.publicationsPerSecond)]}
          format={brief}
        />
        <TimePanel
          title="Deliveries / s"
          times={times}
          lines={[line("", "--trace", (sample) => sample.deliveriesPerSecond)]}
          format={brief}
        />
        <TimePanel
          title="Connections"
          times={times}
          lines={[
            line("websocket", "--trace", ({ websocket }) => websocket),
            line("polling", "--second", ({ polling }) => polling),
          ]}
          format={brief}
        />
        <TimePanel
          title="Delivery latency"
          times={times}
          lines={[
            line("p50", "--trace", ({ latencyMs }) => latencyMs?.p50 ?? null),
            line("p99", "--second", ({ latencyMs }) => latencyMs?.p99 ?? null),
          ]}
          format={duration}
        />
      </div>
      <ul class="tiles" aria-label="Nodes">
        {nodes.map((node) => (
          <NodeTile key={node.node} node={node} stats={stats} />
        ))}
      </ul>
    </>
  );
}

function NodeTile({ node, stats }: { node: NodeRecord; stats: Stats | undefined }) {
  const said = stats?.processes.find(({ process }) => process === node.node);
  const health = said?.health;
  const facts: readonly [string, string][] = [
    ["Deliveries / s", said === undefined ? nothing : brief(said.deliveriesPerSecond)],
    ["CPU", health === undefined ? nothing : `${Math.round(health.cpuPercent)} %`],
    ["Event loop p99", health === undefined ? nothing : duration(health.loopDelayMs)],
    ["Memory", health === undefined ? nothing : bytes(health.memoryBytes)],
    ["Unsent", health === undefined ? nothing : bytes(health.unsentBytes)],
    ["Canary", health?.canaryAgeMs == null ? nothing : `${age(health.canaryAgeMs)} ago`],
  ];
  return (
    <li class="card tile">
      <div class="card-head">
        <h2>
          <a href={hrefOf("nodes", node.node)}>{node.node}</a>
        </h2>
        <Tag tone={node.state === "ready" ? "good" : "bad"}>{node.state}</Tag>
      </div>
      <p class="large">
        {count(said === undefined ? node.connections : said.websocket + said.polling)} <small>connections</small>
      </p>
      <dl class="facts">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </li>
  );
}

function sampleOf(stats: Stats): StatsSample {
  const { at, nodes, transports, publicationsPerSecond, deliveriesPerSecond, latencyMs } = stats;
  return { at, nodes, ...transports, publicationsPerSecond, deliveriesPerSecond, latencyMs };
}

/** In order, the last ten minutes, and none twice: history and the first live sample may overlap. */
function merged(before: readonly StatsSample[], after: readonly StatsSample[]): readonly StatsSample[] {
  const last = before.at(-1)?.at ?? 0;
  const all = [...before, ...after.filter(({ at }) => at > last)];
  const newest = all.at(-1)?.at ?? 0;
  return all.filter(({ at }) => at > newest - keptMs);
}

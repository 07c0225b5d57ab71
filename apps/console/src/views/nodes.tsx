import type { NodeRecord, Stats } from "@fanfare/domain";
import { useState } from "preact/hooks";
import { killNode } from "../kill-node.ts";
import { age, brief, bytes, count, duration, nothing } from "../parts/format.ts";
import { Card, Fact, Problem, Said, Tag } from "../parts/ui.tsx";
import { useAct } from "../parts/use-act.ts";
import { usePoll } from "../parts/use-poll.ts";
import { hrefOf } from "../routes.ts";
import { useAsk, useMay, useView } from "../view.ts";

const everyMs = 1_500;

/** Each node, and how to move its clients away. */
export default function Nodes() {
  const ask = useAsk();
  const [wanted] = useView().route;
  const { answer, problem } = usePoll("nodes", everyMs, async (signal) => {
    const [nodes, stats] = await Promise.all([
      ask<{ items: NodeRecord[] }>("GET", "/nodes", undefined, signal),
      ask<Stats>("GET", "/stats", undefined, signal),
    ]);
    return { nodes: nodes.items, stats };
  });
  return (
    <>
      <div class="title">
        <h1>Nodes</h1>
        <span class="muted">{answer !== undefined && `${count(answer.nodes.length)} alive`}</span>
      </div>
      <Problem what={problem} />
      <div class="wide-tiles">
        {answer?.nodes.map((node) => (
          <OneNode key={node.node} node={node} stats={answer.stats} wanted={node.node === wanted} />
        ))}
      </div>
    </>
  );
}

function OneNode({ node, stats, wanted }: { node: NodeRecord; stats: Stats; wanted: boolean }) {
  const ask = useAsk();
  const act = useAct();
  const { control, session } = useView();
  const mayAct = useMay("nodes");
  /** What it had when the draining began. */
  const [before, setBefore] = useState<number>();
  const said = stats.processes.find(({ process }) => process === node.node);
  const { health } = said ?? {};
  const connections = said === undefined ? node.connections : said.websocket + said.polling;
  const draining = node.state === "draining";

  function drain(): void {
    act.run(async () => {
      await ask("POST", `/nodes/${encodeURIComponent(node.node)}/drain`);
      setBefore(connections);
      return "Its clients are being moved.";
    });
  }

  return (
    <Card title={node.node} kind={wanted ? "wanted" : ""} aside={<Tag tone={draining ? "bad" : "good"}>{node.state}</Tag>}>
      <dl class="facts">
        <Fact name="Connections">
          <a href={hrefOf("connections")}>{count(connections)}</a>
        </Fact>
        <Fact name="Deliveries / s">{said === undefined ? nothing : brief(said.deliveriesPerSecond)}</Fact>
        <Fact name="CPU">{health === undefined ? nothing : `${Math.round(health.cpuPercent)} %`}</Fact>
        <Fact name="Event loop p99">{health === undefined ? nothing : duration(health.loopDelayMs)}</Fact>
        <Fact name="Memory">{health === undefined ? nothing : bytes(health.memoryBytes)}</Fact>
        <Fact name="Unsent">{health === undefined ? nothing : bytes(health.unsentBytes)}</Fact>
        <Fact name="Canary came back">{health?.canaryAgeMs == null ? nothing : `${age(health.canaryAgeMs)} ago`}</Fact>
        <Fact name="Latency p50, p99">
          {health?.latencyMs == null ? nothing : `${duration(health.latencyMs.p50)}, ${duration(health.latencyMs.p99)}`}
        </Fact>
        <Fact name="Running for">{age(stats.at - node.startedAt)}</Fact>
        <Fact name="Peer address">{node.peerUrl}</Fact>
        <Fact name="Version">{node.version}</Fact>
      </dl>
      {before !== undefined && (
        <label class="progress">
          <span>
            {count(Math.max(0, before - connections))} of {count(before)} moved
          </span>
          <progress max={Math.max(1, before)} value={Math.max(0, before - connections)} />
        </label>
      )}
      {mayAct && (
        <div class="buttons">
          <button type="button" disabled={draining || act.busy} onClick={drain}>
            Drain
          </button>
          {control !== undefined && (
            <button
              type="button"
              class="danger"
              onClick={() =>
                act.run(() => killNode(control, session?.key ?? "", node.node).then(() => "Killed: fanfare up starts another."))
              }
            >
              Kill
            </button>
          )}
          <Said act={act} />
        </div>
      )}
    </Card>
  );
}

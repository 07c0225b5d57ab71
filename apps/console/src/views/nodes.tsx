import type { NodeRecord, Stats } from "@fanfare/domain";
import { useEffect, useState } from "preact/hooks";
import type { Told } from "../cluster-feed.ts";
import { killNode } from "../kill-node.ts";
import { age, count } from "../parts/format.ts";
import { Happenings } from "../parts/happenings.tsx";
import { factsOf } from "../parts/node-facts.ts";
import { Card, Facts, Problem, Said, Tag } from "../parts/ui.tsx";
import { useAct } from "../parts/use-act.ts";
import { aboutNodes, usePoll } from "../parts/use-poll.ts";
import { useAsk, useMay, useView } from "../view.ts";

/** Each node, and how to move its clients away. */
export default function Nodes() {
  const ask = useAsk();
  const [wanted] = useView().route;
  const { answer, problem } = usePoll("nodes", { everyMs: 1_500, calmMs: 4_000, stirs }, async (signal) => {
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
          // A node that takes the place of one of the same name has nothing to do with its drain.
          <OneNode key={`${node.node} ${node.startedAt}`} node={node} stats={answer.stats} wanted={node.node === wanted} />
        ))}
      </div>
      <Happenings ofNodes />
    </>
  );
}

/** A drain is followed by who leaves. */
function stirs(told: Told): boolean {
  return aboutNodes(told) || told.type === "connected" || told.type === "disconnected";
}

function OneNode({ node, stats, wanted }: { node: NodeRecord; stats: Stats; wanted: boolean }) {
  const ask = useAsk();
  const act = useAct();
  const { control, session } = useView();
  const mayAct = useMay("nodes");
  /** What it had when the draining began, or was first seen. */
  const [before, setBefore] = useState<number>();
  const { connections, latency, facts } = factsOf(node, stats);
  const draining = node.state === "draining";
  useEffect(() => {
    if (draining) setBefore((known) => known ?? connections);
  }, [draining]);

  // Figures are two seconds old, and a small drain is over by then; where the log leaves connections out, there is nothing else.
  const { left, countAnew } = useLeft(node.node, before !== undefined);

  function drain(): void {
    setBefore(connections);
    countAnew();
    act.run(async () => {
      await ask("POST", `/nodes/${encodeURIComponent(node.node)}/drain`);
      return "Its clients are being moved.";
    });
  }

  const moved = before === undefined ? 0 : Math.min(before, Math.max(left, before - connections));
  return (
    <Card title={node.node} kind={wanted ? "wanted" : ""} aside={<Tag tone={draining ? "bad" : "good"}>{node.state}</Tag>}>
      <p class="large">
        {count(connections)} <small>connections</small>
      </p>
      <Facts
        of={[
          ...facts,
          ["Latency p50, p99", latency],
          ["Running for", age(stats.at - node.startedAt)],
          ["Peer address", node.peerUrl],
          ["Version", node.version],
        ]}
      />
      {before !== undefined && !act.failed && (
        <label class="progress">
          <span>
            {count(moved)} of {count(before)} moved
          </span>
          <progress max={Math.max(1, before)} value={moved} />
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

/** How many have left a node since they are counted. */
function useLeft(node: string, counted: boolean): { readonly left: number; readonly countAnew: () => void } {
  const { events } = useView();
  const [left, setLeft] = useState(0);
  useEffect(() => {
    if (!counted) return;
    return events?.listen((told) => {
      if (told.type === "disconnected" && told.node === node) setLeft((before) => before + 1);
    });
  }, [node, counted, events]);
  return { left, countAnew: () => setLeft(0) };
}

import type { Crowd } from "../crowd.ts";
import type { Feed } from "../feed.ts";
import type { FeedState } from "../feed-state.ts";
import { killNode } from "../kill-node.ts";
import { useAsk, useMay, useView } from "../view.ts";
import { Card, Said } from "./ui.tsx";
import { useAct } from "./use-act.ts";

const awayMs = 5_000;
const burst = 1_000;

interface TroubleProps {
  readonly feed: Feed;
  readonly state: FeedState;
  readonly crowd: Crowd;
  /** At the newest publication, or at the one with this offset. */
  readonly mark: (label: string, offset?: number) => void;
}

/** Ways to see that nothing is lost, doubled or out of order. */
export function Trouble({ feed, state, crowd, mark }: TroubleProps) {
  const { control, session } = useView();
  const ask = useAsk();
  const act = useAct();
  const mayKill = useMay("nodes") && control !== undefined;
  const mayPublish = useMay("publish");

  function kill(): void {
    const { node } = state;
    mark("node killed");
    act.run(() =>
      killNode(control ?? "", session?.key ?? "", node).then(() => `${node} was killed: its clients go on elsewhere.`),
    );
  }

  function publish(): void {
    const items = Array.from({ length: burst }, (_, x) => ({ channel: feed.channel, event: "point", data: { x, y: wave(x) } }));
    act.run(async () => {
      const { results } = await ask<{ results: { offset?: number }[] }>("POST", "/publish/batch", { items });
      // Where it ends: where it began has left the chart by then.
      mark("1,000 published", results.at(-1)?.offset);
      return "1,000 publications were stored.";
    });
  }

  function leave(): void {
    mark("network cut");
    feed.cut(awayMs);
    crowd.cut(awayMs);
    act.run(async () => "All clients of this page are away for five seconds.");
  }

  return (
    <Card title="Make trouble" kind="trouble">
      <div class="buttons">
        {control !== undefined && (
          <button type="button" disabled={!mayKill || state.node === ""} onClick={kill}>
            Kill this node
          </button>
        )}
        <button type="button" onClick={leave}>
          Cut my network for 5 s
        </button>
        <button type="button" disabled={!mayPublish} onClick={publish}>
          Publish 1,000
        </button>
      </div>
      {session === undefined ? <p class="said">Killing and publishing need an admin key: sign in above.</p> : <Said act={act} />}
    </Card>
  );
}

function wave(x: number): number {
  return 2.5 * (1 + Math.sin(x / 4));
}

import { useEffect, useState } from "preact/hooks";
import type { Crowd } from "../crowd.ts";
import { count, nothing } from "./format.ts";
import { Card } from "./ui.tsx";

/** Fast enough to follow by eye, slow enough to cost nothing. */
const everyMs = 400;

/** A dozen stock clients beside the page's own, each with what its offsets say. */
export function Onlookers({ crowd }: { crowd: Crowd }) {
  const [, render] = useState({});
  useEffect(() => {
    const timer = setInterval(() => render({}), everyMs);
    return () => clearInterval(timer);
  }, []);
  const all = crowd.read();
  const { missed, doubled, outOfOrder } = crowd.total();
  const connected = all.filter((one) => one.connected).length;
  return (
    <Card
      title="A dozen more clients"
      kind="wide"
      aside={
        <span class="muted">
          <b data-testid="crowd-connected">{connected}</b> connected, together missed <b data-testid="crowd-missed">{missed}</b>,
          doubled <b data-testid="crowd-doubled">{doubled}</b>, out of order <b data-testid="crowd-out-of-order">{outOfOrder}</b>
        </span>
      }
    >
      <ul class="crowd">
        {all.map(({ transport, connected, node, counts }, index) => (
          <li key={index} data-on={connected}>
            <b>{transport}</b>
            <span title={node}>{connected ? node : "away"}</span>
            <span>
              {counts.delivered === 0 ? nothing : count(counts.delivered)} ·{" "}
              <span data-flaw={counts.missed + counts.doubled + counts.outOfOrder > 0}>
                {counts.missed}/{counts.doubled}/{counts.outOfOrder}
              </span>
            </span>
          </li>
        ))}
      </ul>
    </Card>
  );
}

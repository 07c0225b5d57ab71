import { useEffect, useMemo, useState } from "preact/hooks";
import type { Mark } from "../chart.ts";
import { type Crowd, createCrowd } from "../crowd.ts";
import { createFeed } from "../feed.ts";
import { Connection } from "../parts/connection.tsx";
import { Continuity } from "../parts/continuity.tsx";
import { Onlookers } from "../parts/onlookers.tsx";
import { Scope } from "../parts/scope.tsx";
import { StatusPill } from "../parts/status-pill.tsx";
import { Trouble } from "../parts/trouble.tsx";
import { useFeed } from "../parts/use-feed.ts";
import { useView } from "../view.ts";

const channel = "demo:sine";
const capacity = 100;
/** Marks remembered; older ones have long left the chart. */
const marksMax = 20;

/** One channel, live: its line, the connection it comes over, a dozen more clients, and ways to make trouble. */
export default function Demo() {
  const { url } = useView();
  const feed = useMemo(() => createFeed({ url, channel, capacity }), [url]);
  const [crowd, setCrowd] = useState<Crowd>();
  const marks = useMemo((): Mark[] => [], []);
  const state = useFeed(feed);
  useEffect(() => () => feed.close(), [feed]);
  useEffect(() => {
    // After the page's own client: what one looks at comes first.
    const joined = createCrowd(url, channel);
    setCrowd(joined);
    return () => joined.close();
  }, [url]);

  function mark(label: string, offset = feed.points.newest): void {
    marks.push({ offset, label });
    marks.splice(0, marks.length - marksMax);
  }

  return (
    <div class="demo">
      <div class="title">
        <div>
          <h1>{feed.channel}</h1>
          <p class="muted">Heard by thirteen clients of this page. Whatever you break below, all three counters stay 0.</p>
        </div>
        <StatusPill status={state.status} detail={state.degraded ? "The broker is away: publications wait" : state.detail} />
      </div>
      <Scope feed={feed} state={state} marks={marks} />
      <aside class="side" aria-label="This page's client">
        <Connection feed={feed} state={state} onBlock={(blocked) => mark(blocked ? "websocket blocked" : "websocket allowed")} />
        <Continuity counts={state.counts} reloads={state.reloads} />
      </aside>
      {crowd !== undefined && (
        <>
          <Trouble feed={feed} state={state} crowd={crowd} mark={mark} />
          <Onlookers crowd={crowd} />
        </>
      )}
    </div>
  );
}

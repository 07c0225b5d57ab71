import type { Feed } from "../feed.ts";
import { Connection } from "./connection.tsx";
import { Continuity } from "./continuity.tsx";
import { Scope } from "./scope.tsx";
import { StatusPill } from "./status-pill.tsx";
import { useFeed } from "./use-feed.ts";

/** One channel, live: its line, the connection it comes over, and whether anything is missing. */
export function Live({ feed }: { feed: Feed }) {
  const state = useFeed(feed);
  return (
    <main class="live">
      <div class="title">
        <h1>{feed.channel}</h1>
        <StatusPill status={state.status} detail={state.degraded ? "The broker is away: publications wait" : state.detail} />
      </div>
      <Scope feed={feed} state={state} />
      <aside class="side">
        <Connection feed={feed} state={state} />
        <Continuity counts={state.counts} reloads={state.reloads} />
      </aside>
    </main>
  );
}

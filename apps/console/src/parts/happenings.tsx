import type { LifecycleEvent } from "@fanfare/domain";
import { useEffect, useState } from "preact/hooks";
import type { Told } from "../cluster-feed.ts";
import { readPast } from "../past-events.ts";
import { hrefOf } from "../routes.ts";
import { openEvents } from "../session.ts";
import { useView } from "../view.ts";
import { clock, nothing } from "./format.ts";
import { Card } from "./ui.tsx";
import { aboutNodes } from "./use-poll.ts";

/** Of connections and channels: where many come and go, the last seconds. */
const othersMax = 40;
/** Of nodes, kept apart so that nobody's clients push them out: more than ten minutes of a rolling deploy bring. */
const ofNodesMax = 200;
/** Of nodes it is told what happened before the page was opened. */
const beforeMs = 600_000;

type Events = readonly LifecycleEvent[];

/** What happens in the cluster, newest first: as it comes, and of nodes what was before. `ofNodes`: nothing else. */
export function Happenings({ ofNodes = false }: { ofNodes?: boolean }) {
  const { session, events } = useView();
  const key = session?.key;
  const [nodes, setNodes] = useState<Events>([]);
  const [others, setOthers] = useState<Events>([]);
  const [pastKnown, setPastKnown] = useState(false);

  useEffect(() => {
    if (key === undefined) return;
    const add = (event: LifecycleEvent) =>
      aboutNodes(event) ? setNodes(withEvent(event, ofNodesMax)) : setOthers(withEvent(event, othersMax));
    const ended = new AbortController();
    const query = "?follow=false&types=node_joined,node_draining,node_left&after=";
    // What cannot be had of the past is not missed: what happens from now on is told all the same.
    readPast((after) => openEvents(key, query + after, undefined, ended.signal), `${Date.now() - beforeMs}-0`, add)
      .catch(() => false)
      .then((known) => !ended.signal.aborted && setPastKnown(known));
    const leave = events?.listen((told) => isEvent(told) && (!ofNodes || aboutNodes(told)) && add(told));
    return () => {
      ended.abort();
      leave?.();
    };
  }, [key, events]);

  const all = [...nodes, ...others].sort(newestFirst);
  return (
    <Card title="What happens" kind="happenings">
      {all.length === 0 && <p class="muted">{ofNodes && pastKnown ? "Nothing in the last ten minutes." : "Nothing yet."}</p>}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to scroll by keys */}
      <ol class="log" tabIndex={0} aria-label="Events, newest first">
        {all.map((event) => (
          <li key={event.id} data-type={event.type}>
            <time>{clock(event.at)}</time>
            <b>{event.type.replace("_", " ")}</b>
            <What {...event} />
          </li>
        ))}
      </ol>
    </Card>
  );
}

function What({ connection, channel, user, node, transport, recovered, reason }: LifecycleEvent) {
  const who = connection === undefined ? undefined : <a href={hrefOf("connections", connection)}>{user ?? connection}</a>;
  const details = [recovered === true ? "recovered" : "", transport, reason].filter(Boolean).join(", ");
  return (
    <span>
      {who} {channel !== undefined && <a href={hrefOf("channels", channel)}>{channel}</a>}
      {who === undefined && channel === undefined && (node || nothing)}
      <span class="muted">
        {" "}
        {who !== undefined && `at ${node} `}
        {details}
      </span>
    </span>
  );
}

function newestFirst(a: LifecycleEvent, b: LifecycleEvent): number {
  return b.at - a.at;
}

/** The newest `max`, with this one if it is new. */
function withEvent(event: LifecycleEvent, max: number): (before: Events) => Events {
  return (before) => (before.some(({ id }) => id === event.id) ? before : [event, ...before].sort(newestFirst).slice(0, max));
}

function isEvent(told: Told): told is LifecycleEvent {
  return "id" in told;
}

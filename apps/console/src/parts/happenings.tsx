import type { LifecycleEvent } from "@fanfare/domain";
import { useEffect, useState } from "preact/hooks";
import type { Told } from "../cluster-feed.ts";
import { readEvents } from "../event-stream.ts";
import { hrefOf } from "../routes.ts";
import { openEvents } from "../session.ts";
import { useView } from "../view.ts";
import { clock, nothing } from "./format.ts";
import { Card } from "./ui.tsx";
import { aboutNodes } from "./use-poll.ts";

const shownMax = 40;
/** Of nodes it is told what happened before the page was opened. */
const beforeMs = 600_000;

/** What happens in the cluster, newest first: as it comes, and of nodes what was before. `ofNodes`: nothing else. */
export function Happenings({ ofNodes = false }: { ofNodes?: boolean }) {
  const { session, events } = useView();
  const key = session?.key;
  const [all, setAll] = useState<readonly LifecycleEvent[]>([]);

  useEffect(() => {
    if (key === undefined) return;
    const add = (event: LifecycleEvent) =>
      setAll((before) =>
        before.some(({ id }) => id === event.id) ? before : [event, ...before].sort((a, b) => b.at - a.at).slice(0, shownMax),
      );
    const ended = new AbortController();
    const query = `?follow=false&types=node_joined,node_draining,node_left&after=${Date.now() - beforeMs}-0`;
    // What cannot be had of the past is not missed: what happens from now on is told all the same.
    openEvents(key, query, undefined, ended.signal)
      .then(({ ok, body }) =>
        ok && body !== null
          ? readEvents(
              body,
              () => undefined,
              ({ id, data }) => id && add(JSON.parse(data)),
            )
          : undefined,
      )
      .catch(() => undefined);
    const leave = events?.listen((told) => isEvent(told) && (!ofNodes || aboutNodes(told)) && add(told));
    return () => {
      ended.abort();
      leave?.();
    };
  }, [key, events]);

  return (
    <Card title="What happens" kind="happenings">
      {all.length === 0 && <p class="muted">Nothing in the last ten minutes.</p>}
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

function isEvent(told: Told): told is LifecycleEvent {
  return "id" in told;
}

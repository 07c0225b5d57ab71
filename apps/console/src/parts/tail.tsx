import type { HistoryPage } from "@fanfare/domain";
import { useState } from "preact/hooks";
import { useAsk } from "../view.ts";
import { clock, count } from "./format.ts";
import { Card, Problem } from "./ui.tsx";
import { usePoll } from "./use-poll.ts";

const shown = 25;
const everyMs = 1_000;

/**
 * What was published, newest first: live from the log, so nothing is passed over and no subscription is needed, or the page
 * of the log at an offset.
 */
export function Tail({ path }: { path: string }) {
  const ask = useAsk();
  /** The offset that the page ends at; undefined follows the newest. */
  const [until, setUntil] = useState<number>();
  const [paused, pause] = useState(false);
  const [epoch, setEpoch] = useState("");
  const live = until === undefined && !paused;
  const { answer, problem } = usePoll(`${path} ${until}`, { everyMs: live ? everyMs : 0 }, async (signal) => {
    const before = until === undefined ? "" : `&since=${encodeURIComponent(`${epoch}:${until + 1}`)}`;
    const page = await ask<HistoryPage>("GET", `${path}/history?reverse=true&limit=${shown}${before}`, undefined, signal);
    setEpoch(page.epoch);
    return page;
  });
  const publications = answer?.publications ?? [];
  const oldest = publications.at(-1)?.offset ?? 0;
  const newest = publications[0]?.offset ?? 0;
  const top = answer?.offset ?? 0;

  return (
    <Card
      title={live ? "Live tail" : "History"}
      aside={
        <div class="buttons">
          <button type="button" aria-pressed={paused} onClick={() => pause(!paused)} disabled={until !== undefined}>
            {paused ? "Resume" : "Pause"}
          </button>
          <button type="button" disabled={answer?.more !== true} onClick={() => setUntil(oldest - 1)}>
            Older
          </button>
          <button
            type="button"
            disabled={until === undefined}
            onClick={() => setUntil(newest + shown >= top ? undefined : newest + shown)}
          >
            Newer
          </button>
          <input
            class="offset"
            type="number"
            min={1}
            max={top}
            aria-label="Go to offset"
            placeholder="offset"
            onChange={({ currentTarget }) => {
              const offset = currentTarget.valueAsNumber;
              setUntil(Number.isInteger(offset) && offset > 0 && offset < top ? offset : undefined);
            }}
          />
        </div>
      }
    >
      <Problem what={problem} />
      {answer !== undefined && publications.length === 0 && <p class="muted">Nothing is kept here.</p>}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to scroll by keys */}
      <ol class="tail" data-testid="tail" tabIndex={0} aria-label="Publications, newest first">
        {publications.map(({ offset, event, data, at, id }) => (
          <li key={offset}>
            <b>{count(offset)}</b>
            <time>{clock(at)}</time>
            <i title={id}>{event}</i>
            <code>{JSON.stringify(data)}</code>
          </li>
        ))}
      </ol>
    </Card>
  );
}

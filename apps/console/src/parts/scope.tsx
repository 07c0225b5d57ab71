import { useEffect, useRef, useState } from "preact/hooks";
import { type Chart, createChart, type Mark } from "../chart.ts";
import type { Feed } from "../feed.ts";
import type { FeedState } from "../feed-state.ts";
import { ratePerSecond } from "../rate.ts";
import { count, nothing } from "./format.ts";

const span = 100;
const steps: Record<string, number> = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -span, End: span };

/** The line, the value of the newest point or of the one being looked at, and where in the channel it lies. */
export function Scope({ feed: { points }, state, marks }: { feed: Feed; state: FeedState; marks: readonly Mark[] }) {
  const host = useRef<HTMLDivElement>(null);
  const chart = useRef<Chart>(undefined);
  const [inspected, inspect] = useState<number | null>(null);

  useEffect(() => {
    if (host.current === null) return;
    chart.current = createChart(host.current, { points, span, marks: () => marks, onInspect: inspect });
    return () => chart.current?.destroy();
  }, [points, marks]);

  const offset = inspected ?? points.newest;
  const y = points.at(offset);
  const value = y === undefined || Number.isNaN(y) ? nothing : y.toFixed(3);
  const rate = ratePerSecond(points.times(), state.newest, performance.now());

  function onKeyDown(event: KeyboardEvent): void {
    const by = steps[event.key];
    if (by !== undefined) chart.current?.step(by);
    else if (event.key === "Escape") chart.current?.release();
    else return;
    event.preventDefault();
  }

  return (
    <figure class="card scope">
      <figcaption class="readout">
        <Reading name={inspected === null ? "Newest y" : `y at offset ${count(inspected)}`} value={value} testId="value" />
        <Reading name="Per second" value={rate.toFixed(1)} testId="rate" />
      </figcaption>
      <div
        ref={host}
        class="plot"
        role="slider"
        tabIndex={0}
        aria-label="Points by offset; arrow keys move the cursor"
        aria-valuemin={points.oldest}
        aria-valuemax={points.newest}
        aria-valuenow={offset}
        aria-valuetext={`offset ${offset}, y ${value}`}
        onKeyDown={onKeyDown}
        onBlur={() => chart.current?.release()}
      />
      <p class="range">
        <span>
          <span data-testid="points">{points.count}</span> points
        </span>
        {points.count > 0 && (
          <span>
            offsets <span data-testid="oldest">{count(points.oldest)}</span> to{" "}
            <span data-testid="newest">{count(points.newest)}</span>
          </span>
        )}
      </p>
    </figure>
  );
}

function Reading({ name, value, testId }: { name: string; value: string; testId: string }) {
  return (
    <div class="reading">
      <span class="name">{name}</span>
      <span class="value" data-testid={testId}>
        {value}
      </span>
    </div>
  );
}

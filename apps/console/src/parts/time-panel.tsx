import { useEffect, useRef } from "preact/hooks";
import { createTimeChart, type TimeChart } from "../time-chart.ts";
import { clock, nothing } from "./format.ts";

interface Line {
  readonly name: string;
  /** The style sheet's name of its colour. */
  readonly colour: string;
  readonly values: readonly (number | null)[];
}

export interface TimePanelProps {
  readonly title: string;
  /** Milliseconds since 1970, one for each value of each line. */
  readonly times: readonly number[];
  readonly lines: readonly Line[];
  readonly format: (value: number) => string;
  /** The time that is looked at, in this panel or another one beside it; null: the newest. */
  readonly inspected: number | null;
  readonly onInspect: (at: number | null) => void;
}

/** Lines over the last ten minutes, with the newest values, or those of the time that is looked at, in words. */
export function TimePanel({ title, times, lines, format, inspected, onInspect }: TimePanelProps) {
  const host = useRef<HTMLDivElement>(null);
  const chart = useRef<TimeChart>(undefined);
  const colours = lines.map(({ colour }) => colour);

  useEffect(() => {
    if (host.current === null) return;
    chart.current = createTimeChart(host.current, { colours, format, onInspect });
    return () => chart.current?.destroy();
  }, []);
  useEffect(() => {
    chart.current?.set(
      times,
      lines.map(({ values }) => values),
      inspected,
    );
  });

  const index = inspected === null ? times.length - 1 : times.indexOf(inspected);
  return (
    <figure class="card panel">
      <figcaption class="card-head">
        <h2>{title}</h2>
        <span class="key">
          {lines.map(({ name, colour, values }) => (
            <span key={name} data-colour={colour}>
              {name} <b>{values[index] == null ? nothing : format(values[index])}</b>
            </span>
          ))}
          {inspected !== null && <time>{clock(inspected)}</time>}
        </span>
      </figcaption>
      <div ref={host} class="plot" aria-hidden="true" />
    </figure>
  );
}

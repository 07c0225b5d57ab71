import type { ComponentChildren } from "preact";
import { listMax, type Whole } from "../pages.ts";
import { clock, count } from "./format.ts";
import { MissingNodes, Problem } from "./ui.tsx";
import type { Polled } from "./use-poll.ts";

export interface MasterProps {
  readonly title: string;
  readonly list: Polled<Whole<unknown>> & { readonly short: boolean };
  /** Items shown, and what is counted by that. */
  readonly shown: number;
  readonly unit: string;
  /** Said when there are none. */
  readonly none: string;
  readonly filters: ComponentChildren;
  readonly onSubmit: () => void;
  readonly children: ComponentChildren;
}

/** A list with what narrows it, left of one of its items. */
export function Master({
  title,
  list: { answer, answeredAt, problem, short, again },
  shown,
  unit,
  none,
  filters,
  onSubmit,
  children,
}: MasterProps) {
  return (
    <div class="master">
      <div class="title">
        <h1>{title}</h1>
        <span class="muted" data-testid="listed">
          {answer !== undefined && `${answer.more ? "the first " : ""}${count(shown)} ${unit}`}
        </span>
      </div>
      <form
        class="filters"
        onSubmit={(event) => {
          event.preventDefault();
          onSubmit();
        }}
      >
        {filters}
        {!short && answeredAt !== undefined && (
          <>
            <button type="button" onClick={again}>
              Read again
            </button>
            <span class="muted" data-testid="as-of">
              as of {clock(answeredAt)}
            </span>
          </>
        )}
      </form>
      <Problem what={problem} />
      <MissingNodes nodes={answer?.nodesMissing} />
      {answer?.more === true && <p class="said">There are more than {count(listMax)}: narrow the search.</p>}
      {answer !== undefined && shown === 0 ? <p class="none">{none}</p> : children}
    </div>
  );
}

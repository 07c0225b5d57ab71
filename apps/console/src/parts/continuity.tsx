import type { Continuity as State } from "../continuity.ts";
import { count } from "./format.ts";

/** What the offsets say about delivery: the three numbers that must stay 0. */
export function Continuity({ state, reloads }: { state: State; reloads: number }) {
  const flawless = state.missed + state.doubled + state.outOfOrder === 0;
  return (
    <section class="card" aria-labelledby="continuity">
      <h2 id="continuity">Continuity</h2>
      <dl class="counters">
        <Counter name="Missed" value={state.missed} testId="missed" />
        <Counter name="Doubled" value={state.doubled} testId="doubled" />
        <Counter name="Out of order" value={state.outOfOrder} testId="out-of-order" />
      </dl>
      <p class="verdict">
        <strong data-testid="received">{count(state.received)}</strong> received
        {flawless ? ", each once and in order" : ""}
        {reloads > 0 && `; loaded anew ${reloads === 1 ? "once" : `${reloads} times`}`}
      </p>
    </section>
  );
}

function Counter({ name, value, testId }: { name: string; value: number; testId: string }) {
  return (
    <div data-flaw={value > 0}>
      <dt>{name}</dt>
      <dd data-testid={testId}>{count(value)}</dd>
    </div>
  );
}

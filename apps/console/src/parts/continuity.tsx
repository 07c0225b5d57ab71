import type { Counts } from "@fanfare/client";
import { count } from "./format.ts";
import { Card } from "./ui.tsx";

/** What the offsets say about delivery: the three numbers that must stay 0. */
export function Continuity({ counts, reloads }: { counts: Counts; reloads: number }) {
  const flawless = counts.missed + counts.doubled + counts.outOfOrder === 0;
  return (
    <Card title="Continuity">
      <dl class="counters">
        <Counter name="Missed" value={counts.missed} testId="missed" />
        <Counter name="Doubled" value={counts.doubled} testId="doubled" />
        <Counter name="Out of order" value={counts.outOfOrder} testId="out-of-order" />
      </dl>
      <p class="verdict">
        <strong data-testid="received">{count(counts.delivered)}</strong> received
        {flawless ? ", each once and in order" : ""}
        {reloads > 0 && `; loaded anew ${reloads === 1 ? "once" : `${reloads} times`}`}
      </p>
    </Card>
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

import { useEffect, useState } from "preact/hooks";
import type { Told } from "../cluster-feed.ts";
import { Refused } from "../session.ts";
import { useView } from "../view.ts";

/** What the last question has brought. */
export interface Polled<Answer> {
  readonly answer: Answer | undefined;
  /** When the answer came: milliseconds since 1970, by the clock of this machine. */
  readonly answeredAt: number | undefined;
  /** Why the last question has brought nothing; the answer before it stays. */
  readonly problem: string | undefined;
  /** Asks now. */
  readonly again: () => void;
}

/** When to ask again, each in milliseconds after the last answer. 0: never. */
export interface Pace<Answer = unknown> {
  /** While nobody tells what happens. */
  readonly everyMs: number;
  /** While the cluster's feed does: for what it does not carry. */
  readonly calmMs?: number;
  /** Whether what the feed told may have changed the answer: then it is asked for soon. */
  readonly stirs?: (told: Told) => boolean;
  /** Whether an answer is too dear to be had again before somebody asks for it, whatever is told. */
  readonly rests?: (answer: Answer) => boolean;
}

interface State<Answer> {
  readonly key: string;
  readonly answer?: Answer | undefined;
  readonly answeredAt?: number | undefined;
  readonly problem?: string | undefined;
}

export const once: Pace = { everyMs: 0 };

export function aboutNodes({ type }: Told): boolean {
  return type.startsWith("node_");
}

/** Nodes write into the lists twice a second, and may tell of it before. */
const soonMs = 600;
/** Where something happens all the time, so much is between an answer and the next question. */
const apartMs = 1_000;
/** Once more, for what was written late. */
const settleMs = 2_500;

/**
 * Asks at once and then as the pace says; never while the page is hidden. What was asked for under another `key` is forgotten.
 */
export function usePoll<Answer>(key: string, pace: Pace<Answer>, ask: (signal: AbortSignal) => Promise<Answer>): Polled<Answer> {
  const { signOut, events } = useView();
  const { everyMs, calmMs = everyMs, stirs, rests } = pace;
  const [round, setRound] = useState(0);
  const [state, setState] = useState<State<Answer>>({ key });

  useEffect(() => {
    const ended = new AbortController();
    let timer = 0;
    let asking = false;
    let stirred = false;
    let resting = false;
    // What was told just before anybody listened here may be written late, too.
    let settled = stirs === undefined;
    let answeredAt = Number.NEGATIVE_INFINITY;

    const plan = (ms: number) => {
      clearTimeout(timer);
      if (ms > 0 && !ended.signal.aborted) timer = window.setTimeout(go, ms);
    };
    const next = () => {
      if (resting) return;
      if (stirred) return plan(apartMs);
      if (!settled) {
        settled = true;
        return plan(settleMs);
      }
      plan(events?.live === true ? calmMs : everyMs);
    };
    const go = async () => {
      if (document.hidden) return plan(apartMs);
      asking = true;
      stirred = false;
      try {
        const answer = await ask(ended.signal);
        if (ended.signal.aborted) return;
        resting = rests?.(answer) === true;
        setState({ key, answer, answeredAt: Date.now() });
      } catch (thrown) {
        if (ended.signal.aborted) return;
        if (thrown instanceof Refused && thrown.status === 401) signOut();
        const problem = thrown instanceof Error ? thrown.message : String(thrown);
        setState((before) => ({ ...(before.key === key ? before : { key }), problem }));
      }
      asking = false;
      answeredAt = performance.now();
      next();
    };
    void go();
    const leave =
      stirs === undefined
        ? undefined
        : events?.listen((told) => {
            if (resting || stirred || !(unreliable(told) || stirs(told))) return;
            stirred = true;
            settled = false;
            if (!asking) plan(Math.max(soonMs, apartMs - (performance.now() - answeredAt)));
          });
    return () => {
      leave?.();
      ended.abort();
      clearTimeout(timer);
    };
  }, [key, everyMs, calmMs, round, events]);

  const current = state.key === key;
  return {
    answer: current ? state.answer : undefined,
    answeredAt: current ? state.answeredAt : undefined,
    problem: current ? state.problem : undefined,
    again: () => setRound((before) => before + 1),
  };
}

/** Before these, anything may have happened that was not told. */
function unreliable({ type }: Told): boolean {
  return type === "live" || type === "away" || type === "gap";
}

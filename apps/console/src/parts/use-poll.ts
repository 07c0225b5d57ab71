import { useEffect, useState } from "preact/hooks";
import { Refused } from "../session.ts";
import { useView } from "../view.ts";

/** What the last question has brought. */
export interface Polled<Answer> {
  readonly answer: Answer | undefined;
  /** Why the last question has brought nothing; the answer before it stays. */
  readonly problem: string | undefined;
  /** Asks now. */
  readonly again: () => void;
}

/**
 * Asks at once and then again and again, each time `everyMs` after the answer; never while the page is hidden. What was asked
 * for under another `key` is forgotten. `everyMs` 0: only once.
 */
export function usePoll<Answer>(key: string, everyMs: number, ask: (signal: AbortSignal) => Promise<Answer>): Polled<Answer> {
  const { signOut } = useView();
  const [round, setRound] = useState(0);
  const [state, setState] = useState<{ key: string; answer?: Answer | undefined; problem?: string | undefined }>({ key });

  useEffect(() => {
    const ended = new AbortController();
    let timer = 0;
    const next = () => {
      if (everyMs > 0 && !ended.signal.aborted) timer = window.setTimeout(go, everyMs);
    };
    const go = async () => {
      if (document.hidden) return next();
      try {
        const answer = await ask(ended.signal);
        if (!ended.signal.aborted) setState({ key, answer, problem: undefined });
      } catch (thrown) {
        if (ended.signal.aborted) return;
        if (thrown instanceof Refused && thrown.status === 401) signOut();
        const problem = thrown instanceof Error ? thrown.message : String(thrown);
        setState((before) => ({ key, answer: before.key === key ? before.answer : undefined, problem }));
      }
      next();
    };
    void go();
    return () => {
      ended.abort();
      clearTimeout(timer);
    };
  }, [key, everyMs, round]);

  const current = state.key === key;
  return {
    answer: current ? state.answer : undefined,
    problem: current ? state.problem : undefined,
    again: () => setRound((before) => before + 1),
  };
}

import { useState } from "preact/hooks";

/** Something that was asked for by a button, and what became of it. */
export interface Act {
  readonly busy: boolean;
  /** Said to the user; empty before the first. */
  readonly said: string;
  readonly failed: boolean;
  /** Runs it; what it resolves with is said. */
  readonly run: (task: () => Promise<string>) => void;
}

export function useAct(): Act {
  const [state, setState] = useState({ busy: false, said: "", failed: false });
  return {
    ...state,
    run(task) {
      setState({ busy: true, said: "", failed: false });
      task().then(
        (said) => setState({ busy: false, said, failed: false }),
        (thrown: unknown) =>
          setState({ busy: false, said: thrown instanceof Error ? thrown.message : String(thrown), failed: true }),
      );
    },
  };
}

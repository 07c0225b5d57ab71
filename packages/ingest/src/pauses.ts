import type { Clock } from "@fanfare/domain";

/** Pauses that can be cut short together: nobody who stops waits for one to be over. */
export class Pauses {
  readonly #clock: Pick<Clock, "after">;
  readonly #under = new Set<() => void>();

  constructor(clock: Pick<Clock, "after">) {
    this.#clock = clock;
  }

  /** Resolves after `ms`, or when all are cut short. */
  pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const go = (): void => {
        cancel();
        this.#under.delete(go);
        resolve();
      };
      const cancel = this.#clock.after(ms, go);
      this.#under.add(go);
    });
  }

  /** Ends those that are under way. Later ones take their time. */
  cutShort(): void {
    for (const go of [...this.#under]) go();
  }
}

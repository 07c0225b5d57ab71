import type { Clock } from "@fanfare/domain";

/** What a delivery may have to wait for, at most, because of what can wait. */
const portionMsDefault = 2;

/**
 * Does what is not urgent in small portions, and whatever else the event loop has to do in between: connections that cross
 * their limit at the same moment, as all do that do not read, are closed by the hundred.
 */
export class Portions {
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #portionMs: number;
  readonly #tasks: (() => void)[] = [];
  #due = false;

  constructor(clock: Pick<Clock, "monotonic">, portionMs = portionMsDefault) {
    this.#clock = clock;
    this.#portionMs = portionMs;
  }

  /** Does it in a later turn, behind what was added before; as many as fit into one portion share a turn. */
  add(task: () => void): void {
    this.#tasks.push(task);
    this.#goLater();
  }

  #goLater(): void {
    if (this.#due || this.#tasks.length === 0) return;
    this.#due = true;
    // What is put off like this in such a turn comes behind the input that has arrived meanwhile.
    setImmediate(() => {
      this.#due = false;
      const untilMs = this.#clock.monotonic() + this.#portionMs;
      try {
        do this.#tasks.shift()?.();
        while (this.#tasks.length > 0 && this.#clock.monotonic() < untilMs);
      } finally {
        this.#goLater();
      }
    });
  }
}

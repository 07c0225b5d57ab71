import type { Clock } from "@fanfare/domain";

/** An item may be called this much late, as a share of the delay, so that many can be called together. */
const grainShare = 0.05;
const grainMsMax = 50;

/**
 * Items that are due a constant time after they were added. One timer for all: a timer each costs more memory than what it
 * is for, and is made anew for every connection.
 */
export class Deadlines<Item> {
  readonly #clock: Pick<Clock, "after" | "monotonic">;
  readonly #ms: number;
  readonly #grainMs: number;
  readonly #due: (item: Item) => void;
  /** Item → when it is due, in whole ms. In the order of being due, because the delay is the same for all. */
  readonly #items = new Map<Item, number>();
  #stop: (() => void) | undefined;

  constructor(clock: Pick<Clock, "after" | "monotonic">, ms: number, due: (item: Item) => void) {
    this.#clock = clock;
    this.#ms = ms;
    this.#grainMs = Math.min(grainMsMax, ms * grainShare);
    this.#due = due;
  }

  has(item: Item): boolean {
    return this.#items.has(item);
  }

  /** An item that waits already waits anew. */
  add(item: Item): void {
    // Behind all others again: a map keeps the place of a key that it has.
    this.#items.delete(item);
    this.#items.set(item, Math.ceil(this.#clock.monotonic() + this.#ms));
    this.#stop ??= this.#clock.after(this.#ms, this.#sweep);
  }

  /** Whether it was there. */
  delete(item: Item): boolean {
    return this.#items.delete(item);
  }

  /** Calls everything that waits, now. */
  flush(): void {
    for (const item of [...this.#items.keys()]) if (this.#items.delete(item)) this.#due(item);
  }

  /** Nothing is due any more. */
  close(): void {
    this.#stop?.();
    this.#stop = undefined;
    this.#items.clear();
  }

  readonly #sweep = (): void => {
    this.#stop = undefined;
    const now = this.#clock.monotonic();
    for (const [item, due] of this.#items) {
      if (due > now) {
        this.#stop ??= this.#clock.after(Math.max(due - now, this.#grainMs), this.#sweep);
        return;
      }
      this.#items.delete(item);
      this.#due(item);
    }
  };
}

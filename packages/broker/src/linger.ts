import type { Clock } from "@fanfare/domain";

/** Names that are let go a constant time after they were added, unless they are called back before. One timer for all. */
export class Linger {
  readonly #clock: Clock;
  readonly #ms: number;
  readonly #letGo: (name: string) => void;
  /** Name → when it is due, by the monotonic clock. In the order of being due, because all linger equally long. */
  readonly #due = new Map<string, number>();
  #stop: (() => void) | undefined;

  constructor(clock: Clock, ms: number, letGo: (name: string) => void) {
    this.#clock = clock;
    this.#ms = ms;
    this.#letGo = letGo;
  }

  /** A name that lingers already goes on from where it was. */
  add(name: string): void {
    if (this.#due.has(name)) return;
    this.#due.set(name, this.#clock.monotonic() + this.#ms);
    this.#stop ??= this.#clock.after(this.#ms, this.#sweep);
  }

  cancel(name: string): void {
    this.#due.delete(name);
  }

  close(): void {
    this.#stop?.();
    this.#due.clear();
  }

  readonly #sweep = (): void => {
    this.#stop = undefined;
    const now = this.#clock.monotonic();
    for (const [name, due] of this.#due) {
      if (due > now) {
        this.#stop = this.#clock.after(due - now, this.#sweep);
        return;
      }
      this.#due.delete(name);
      this.#letGo(name);
    }
  };
}

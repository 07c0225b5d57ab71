import type { Counter } from "prom-client";

/** How fast a counter counts, without anybody having to count a second time. */
export class Rate {
  readonly #counter: Counter<string>;
  readonly #labels: Readonly<Record<string, string>>;
  readonly #nowMs: () => number;
  #countedAtMs: number;
  #counted = 0;

  /** Of all lines that have these labels. `nowMs`: monotonic. */
  constructor(counter: Counter<string>, labels: Readonly<Record<string, string>>, nowMs: () => number) {
    this.#counter = counter;
    this.#labels = labels;
    this.#nowMs = nowMs;
    this.#countedAtMs = nowMs();
  }

  /** Per second since it was last asked, with one decimal; 0 when no time has passed. */
  async perSecond(): Promise<number> {
    const wanted = Object.entries(this.#labels);
    let count = 0;
    for (const { value, labels } of (await this.#counter.get()).values) {
      if (wanted.every(([name, label]) => labels[name] === label)) count += value;
    }
    const now = this.#nowMs();
    const seconds = (now - this.#countedAtMs) / 1_000;
    if (seconds <= 0) return 0;
    const rate = (count - this.#counted) / seconds;
    this.#countedAtMs = now;
    this.#counted = count;
    return Math.round(rate * 10) / 10;
  }
}

import type { Clock } from "@fanfare/domain";

/** Answers that are kept. Beyond it the oldest is forgotten. */
const sizeMax = 20_000;

interface Kept<Answer> {
  readonly answer: Answer;
  readonly endsAtMs: number;
}

/** Answers for as long as whoever gave them said that they are good. */
export class AnswerCache<Answer> {
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #kept = new Map<string, Kept<Answer>>();

  constructor(clock: Pick<Clock, "monotonic">) {
    this.#clock = clock;
  }

  get(key: string): Answer | undefined {
    const kept = this.#kept.get(key);
    if (kept === undefined) return undefined;
    if (kept.endsAtMs > this.#clock.monotonic()) return kept.answer;
    this.#kept.delete(key);
    return undefined;
  }

  keep(key: string, answer: Answer, forMs: number): void {
    if (forMs <= 0) return;
    this.#kept.delete(key);
    this.#kept.set(key, { answer, endsAtMs: this.#clock.monotonic() + forMs });
    if (this.#kept.size <= sizeMax) return;
    for (const oldest of this.#kept.keys()) {
      this.#kept.delete(oldest);
      break;
    }
  }

  clear(): void {
    this.#kept.clear();
  }
}

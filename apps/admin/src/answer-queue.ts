import type { Writable } from "node:stream";

interface Slot {
  readonly count: number;
  text: string | undefined;
}

/**
 * Writes answers in the order of their requests, whenever they come, and says for how many more there is room: an answer
 * that the reader has not taken yet counts as in flight, so a slow reader slows the requests down.
 *
 * Answers MUST NOT reject.
 */
export class AnswerQueue {
  readonly #out: Writable;
  readonly #inFlightMax: number;
  readonly #slots: Slot[] = [];
  #inFlight = 0;
  #flushing = false;
  #wake: (() => void) | undefined;

  constructor(out: Writable, inFlightMax: number) {
    this.#out = out;
    this.#inFlightMax = inFlightMax;
    out.on("drain", () => this.#flush());
    out.on("close", () => this.#wake?.());
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** `answer` is the text of this many answers. */
  push(answer: Promise<string>, count: number): void {
    const slot: Slot = { count, text: undefined };
    this.#slots.push(slot);
    this.#inFlight += count;
    void answer.then((text) => {
      slot.text = text;
      this.#flushSoon();
    });
  }

  /** Resolves with how many more there is room for, at least one, or once the reader is gone. */
  async room(): Promise<number> {
    await this.#until(() => this.#inFlight < this.#inFlightMax);
    return this.#inFlightMax - this.#inFlight;
  }

  /** Resolves once everything is written, or the reader is gone. */
  async drained(): Promise<void> {
    await this.#until(() => this.#slots.length === 0);
  }

  /** One waiter at a time is enough: who reads the requests waits for room, and for the end when there are no more. */
  async #until(reached: () => boolean): Promise<void> {
    while (!reached() && !this.#out.destroyed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.#wake = undefined;
  }

  /** Replies of the broker come many to a chunk: one write for all of them. */
  #flushSoon(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    setImmediate(() => {
      this.#flushing = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#out.destroyed || this.#out.writableNeedDrain) return;
    let text = "";
    let ready = 0;
    for (const slot of this.#slots) {
      if (slot.text === undefined) break;
      text += slot.text;
      this.#inFlight -= slot.count;
      ready++;
    }
    if (ready === 0) return;
    this.#slots.splice(0, ready);
    this.#out.write(text);
    this.#wake?.();
  }
}

import type { Writable } from "node:stream";

interface Slot {
  text: string | undefined;
}

/**
 * Writes answers in the order of their requests, whenever they come, and says when there is room for another one: an
 * answer that the reader has not taken yet counts as in flight, so a slow reader slows the requests down.
 *
 * Answers MUST NOT reject.
 */
export class AnswerQueue {
  readonly #out: Writable;
  readonly #inFlightMax: number;
  readonly #slots: Slot[] = [];
  #flushing = false;
  #wake: (() => void) | undefined;

  constructor(out: Writable, inFlightMax: number) {
    this.#out = out;
    this.#inFlightMax = inFlightMax;
    out.on("drain", () => this.#flush());
    out.on("close", () => this.#wake?.());
  }

  get inFlight(): number {
    return this.#slots.length;
  }

  push(answer: Promise<string>): void {
    const slot: Slot = { text: undefined };
    this.#slots.push(slot);
    void answer.then((text) => {
      slot.text = text;
      this.#flushSoon();
    });
  }

  /** Resolves once there is room for one more, or the reader is gone. */
  async room(): Promise<void> {
    await this.#until(() => this.#slots.length < this.#inFlightMax);
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
    let count = 0;
    for (const slot of this.#slots) {
      if (slot.text === undefined) break;
      text += slot.text;
      count++;
    }
    if (count === 0) return;
    this.#slots.splice(0, count);
    this.#out.write(text);
    this.#wake?.();
  }
}

import type { Broker, Channel, LogSlice, Retention } from "@fanfare/domain";
import { limits } from "@fanfare/domain";

/** Publications per command: bounds how long one read may keep the broker busy. */
const pageSize = 1_000;

interface Waiting {
  after: number;
  readonly settle: { resolve(slice: LogSlice): void; reject(reason: unknown): void }[];
}

/**
 * Reads of channel logs, shared. At most one read per channel is under way; everyone who asks meanwhile gets the next
 * one, which reaches back to the oldest place that any of them needs. So thousands of clients that recover the same channel at
 * once cost a handful of reads.
 */
export class LogReader {
  readonly #broker: Broker;
  readonly #retention: (channel: Channel) => Retention;
  readonly #waiting = new Map<Channel, Waiting>();
  readonly #busy = new Set<Channel>();

  constructor(broker: Broker, retention: (channel: Channel) => Retention) {
    this.#broker = broker;
    this.#retention = retention;
  }

  /**
   * The log from behind `offset` (or from further back) to its end, at most {@link limits.replayMax} publications before
   * the end. Read after the call was made, so it holds everything announced before.
   */
  after(channel: Channel, offset: number): Promise<LogSlice> {
    return new Promise((resolve, reject) => {
      const waiting = this.#waiting.get(channel);
      if (waiting === undefined) this.#waiting.set(channel, { after: offset, settle: [{ resolve, reject }] });
      else {
        waiting.after = Math.min(waiting.after, offset);
        waiting.settle.push({ resolve, reject });
      }
      if (!this.#busy.has(channel)) void this.#run(channel);
    });
  }

  async #run(channel: Channel): Promise<void> {
    this.#busy.add(channel);
    for (let waiting = this.#waiting.get(channel); waiting !== undefined; waiting = this.#waiting.get(channel)) {
      this.#waiting.delete(channel);
      try {
        const slice = await this.#read(channel, waiting.after);
        for (const { resolve } of waiting.settle) resolve(slice);
      } catch (reason) {
        for (const { reject } of waiting.settle) reject(reason);
      }
    }
    this.#busy.delete(channel);
  }

  /** Page by page until the end. What is further behind than can be replayed counts as no longer there. */
  async #read(channel: Channel, after: number): Promise<LogSlice> {
    const page = (offset: number) =>
      this.#broker.read(channel, { from: "after", offset, limit: pageSize }, this.#retention(channel));
    let slice = await page(after);
    let first = slice.first;
    const earliest = slice.top.offset - limits.replayMax;
    if (after < earliest) {
      slice = await page(earliest);
      first = Math.max(slice.first, earliest + 1);
    }
    let publications = [...slice.publications];
    const { epoch } = slice.top;
    for (let last = publications.at(-1); last !== undefined && last.offset < slice.top.offset; last = publications.at(-1)) {
      slice = await page(last.offset);
      // The log started over between two pages: what was read is worth nothing now.
      if (slice.top.epoch !== epoch) return this.#read(channel, 0);
      if (slice.publications.length === 0) break;
      // Trimmed between two pages: what was read before the hole is of no use to anyone.
      if (slice.first > last.offset + 1) {
        publications = [];
        first = slice.first;
      }
      publications.push(...slice.publications);
    }
    return { top: slice.top, first, publications };
  }
}

import type { Broker, Channel, LogRange, LogSlice, Retention } from "@fanfare/domain";
import { limits } from "@fanfare/domain";

/** Publications per command: bounds how long one read may keep the broker busy. */
const pageSize = 1_000;

/** A log can be entered behind an offset or behind a seq. */
type Edge = "after" | "afterSeq";

/** A log from some place to its end. */
export type LogRest = Omit<LogSlice, "payloadBytes">;

interface Waiting {
  edge: number;
  readonly settle: { resolve(rest: LogRest): void; reject(reason: unknown): void }[];
}

/**
 * Reads of channel logs, shared. At most one read per channel and kind of edge is under way; everyone who asks meanwhile
 * gets the next one, which reaches back to the oldest place that any of them needs. So thousands of clients that recover the
 * same channel at once cost a handful of reads.
 */
export class LogReader {
  readonly #broker: Broker;
  readonly #retention: (channel: Channel) => Retention;
  readonly #waiting = { after: new Map<Channel, Waiting>(), afterSeq: new Map<Channel, Waiting>() };
  readonly #busy = { after: new Set<Channel>(), afterSeq: new Set<Channel>() };

  constructor(broker: Broker, retention: (channel: Channel) => Retention) {
    this.#broker = broker;
    this.#retention = retention;
  }

  /**
   * The log from behind `edge` (or from further back) to its end, at most {@link limits.replayMax} publications before the
   * end. Read after the call was made, so it holds everything announced before.
   */
  read(channel: Channel, from: Edge, edge: number): Promise<LogRest> {
    return new Promise((resolve, reject) => {
      const waiting = this.#waiting[from].get(channel);
      if (waiting === undefined) this.#waiting[from].set(channel, { edge, settle: [{ resolve, reject }] });
      else {
        waiting.edge = Math.min(waiting.edge, edge);
        waiting.settle.push({ resolve, reject });
      }
      if (!this.#busy[from].has(channel)) void this.#run(channel, from);
    });
  }

  async #run(channel: Channel, from: Edge): Promise<void> {
    const queue = this.#waiting[from];
    this.#busy[from].add(channel);
    for (let waiting = queue.get(channel); waiting !== undefined; waiting = queue.get(channel)) {
      queue.delete(channel);
      try {
        const slice = await this.#pages(channel, from === "after" ? behind(waiting.edge) : behindSeq(waiting.edge));
        for (const { resolve } of waiting.settle) resolve(slice);
      } catch (reason) {
        for (const { reject } of waiting.settle) reject(reason);
      }
    }
    this.#busy[from].delete(channel);
  }

  /** Page by page until the end. What is further behind than can be replayed counts as no longer there. */
  async #pages(channel: Channel, range: LogRange): Promise<LogRest> {
    const page = (range: LogRange): Promise<LogSlice> => this.#broker.read(channel, range, this.#retention(channel));
    let slice = await page(range);
    let { first } = slice;
    const earliest = slice.top.offset - limits.replayMax;
    if ((slice.publications[0]?.offset ?? slice.top.offset) <= earliest) {
      slice = await page(behind(earliest));
      first = Math.max(slice.first, earliest + 1);
    }
    let publications = [...slice.publications];
    const { epoch } = slice.top;
    for (let last = publications.at(-1); last !== undefined && last.offset < slice.top.offset; last = publications.at(-1)) {
      slice = await page(behind(last.offset));
      // The log started over between two pages: what was read is worth nothing now.
      if (slice.top.epoch !== epoch) return this.#pages(channel, behind(0));
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

function behind(offset: number): LogRange {
  return { from: "after", offset, limit: pageSize };
}

function behindSeq(seq: number): LogRange {
  return { from: "afterSeq", seq, limit: pageSize };
}

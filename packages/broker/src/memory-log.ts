import { type LogRange, type LogSlice, limits, type Publication, type Retention, timeOfSeq } from "@fanfare/domain";
import { expiredPayload } from "./expired.ts";

/** One channel's log. Its offsets have no holes, so a publication is found by its offset and places by bisection. */
export class MemoryLog {
  readonly #byOffset = new Map<number, Publication>();
  /** Offset → when it expires, in ms since 1970; only of those that do. */
  readonly #endsAtMs = new Map<number, number>();
  #first = 1;
  /** When the whole log is gone: ms since 1970. Redis expires a log by the retention of its newest publication. */
  #goneAtMs = 0;

  append(publication: Publication, ttlSeconds?: number): void {
    const { offset, seq } = publication;
    if (this.#byOffset.size === 0) this.#first = offset;
    this.#byOffset.set(offset, publication);
    if (ttlSeconds !== undefined) this.#endsAtMs.set(offset, timeOfSeq(seq) + ttlSeconds * 1_000);
  }

  /** Keeps what the retention keeps. Amortised constant: every publication is dropped once. */
  trim(retain: Retention, nowMs: number): void {
    this.#goneAtMs = nowMs + retain.seconds * 1_000;
    while (this.#byOffset.size > retain.count) this.#dropFirst();
    this.dropOld(retain, nowMs);
  }

  dropOld(retain: Retention, nowMs: number): void {
    this.dropExpired(nowMs);
    const horizonMs = nowMs - retain.seconds * 1_000;
    for (let oldest = this.#oldest(); oldest && timeOfSeq(oldest.seq) < horizonMs; oldest = this.#oldest()) this.#dropFirst();
  }

  dropExpired(nowMs: number): void {
    if (nowMs >= this.#goneAtMs) this.clear();
  }

  /** Answers how many publications are gone. */
  clear(): number {
    const count = this.#byOffset.size;
    this.#byOffset.clear();
    this.#endsAtMs.clear();
    return count;
  }

  slice(range: LogRange, { count }: Retention, top: number, nowMs: number): Omit<LogSlice, "top"> {
    const first = this.#byOffset.size === 0 || count === 0 ? top + 1 : Math.max(this.#first, top - count + 1);
    const [from, to] = this.#bounds(range, first, top);
    const backward = range.from === "before" || range.from === "end";
    const publications: Publication[] = [];
    let payloadBytes = 0;
    for (let at = from; at <= to && payloadBytes < limits.pageBytesMax; at++) {
      const offset = backward ? to - (at - from) : at;
      const publication = this.#byOffset.get(offset);
      if (publication === undefined) continue;
      payloadBytes += publication.payload.json.length;
      const expired = (this.#endsAtMs.get(offset) ?? Number.POSITIVE_INFINITY) <= nowMs;
      publications.push(expired ? { ...publication, ...expiredPayload } : publication);
    }
    return { first, publications: backward ? publications.reverse() : publications, payloadBytes };
  }

  #bounds(range: LogRange, first: number, top: number): [from: number, to: number] {
    switch (range.from) {
      case "after": {
        const from = Math.max(range.offset + 1, first);
        return [from, Math.min(top, from + range.limit - 1)];
      }
      case "afterSeq": {
        const from = this.#firstAfterSeq(range.seq, first, top);
        return [from, Math.min(top, from + range.limit - 1)];
      }
      case "before": {
        const to = Math.min(range.offset - 1, top);
        return [Math.max(first, to - range.limit + 1), to];
      }
      case "end":
        return [Math.max(first, top - range.limit + 1), top];
    }
  }

  #firstAfterSeq(seq: number, first: number, top: number): number {
    let low = first;
    let high = top + 1;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if ((this.#byOffset.get(middle)?.seq ?? 0) > seq) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #oldest(): Publication | undefined {
    return this.#byOffset.get(this.#first);
  }

  #dropFirst(): void {
    this.#byOffset.delete(this.#first);
    this.#endsAtMs.delete(this.#first++);
  }
}

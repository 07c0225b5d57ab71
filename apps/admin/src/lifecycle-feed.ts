import type { Clock, Directory, LifecycleEvent, LifecycleLog, LifecyclePage, Registry, StatsSample } from "@fanfare/domain";
import { clusterSample } from "./cluster-stats.ts";

/** How often the log is looked at while anybody listens. */
const periodMs = 250;
/** Of these periods, how many from one sample of the rates to the next: a second. */
const periodsPerSample = 4;
const pageMax = 500;
/** The newest events, kept for all who listen: only who is further behind reads the log by itself. */
const recentMax = 2_000;

export interface LifecycleFeedParts {
  readonly lifecycle: LifecycleLog;
  readonly registry: Registry;
  readonly directory: Directory;
  readonly clock: Clock;
}

/** The log as all who listen at this process read it: it is asked once for all of them, and not at all while nobody listens. */
export class LifecycleFeed {
  readonly #parts: LifecycleFeedParts;
  #listeners = 0;
  #looking = false;
  #recent: LifecycleEvent[] = [];
  /** Id of the event before the first recent one; undefined: not known. */
  #before: string | undefined;
  #newest: string | undefined;
  #rates: StatsSample | undefined;
  #periods = 0;
  #waiting: (() => void)[] = [];

  constructor(parts: LifecycleFeedParts) {
    this.#parts = parts;
  }

  get listeners(): number {
    return this.#listeners;
  }

  /** The last sample; undefined before the first. */
  get rates(): StatsSample | undefined {
    return this.#rates;
  }

  /** Keeps the feed going until the returned function is called. */
  listen(): () => void {
    if (++this.#listeners === 1 && !this.#looking) this.#begin();
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.#listeners--;
    };
  }

  /** As the log's; from memory where that reaches back far enough. Only while somebody listens. */
  async read(after: string): Promise<LifecyclePage> {
    const at = after === this.#before ? 0 : this.#recent.findLastIndex(({ id }) => id === after) + 1;
    if (after !== this.#before && at === 0) return this.#parts.lifecycle.read(after, pageMax);
    return { events: this.#recent.slice(at, at + pageMax), gap: false };
  }

  /** Resolves when the log has been looked at again. Only while somebody listens. */
  next(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #begin(): void {
    this.#looking = true;
    this.#recent = [];
    this.#before = undefined;
    this.#newest = undefined;
    this.#rates = undefined;
    this.#periods = 0;
    this.#schedule();
  }

  #schedule(): void {
    this.#parts.clock.after(periodMs, () => {
      // While the broker is away those who listen wait; what happens meanwhile is in the log afterwards.
      void Promise.allSettled([this.#look(), this.#sample()]).then(() => {
        for (const resolve of this.#waiting.splice(0)) resolve();
        // Whoever came since the last one left found it going, and it is up to date.
        if (this.#listeners > 0) this.#schedule();
        else this.#looking = false;
      });
    });
  }

  async #look(): Promise<void> {
    const { lifecycle } = this.#parts;
    if (this.#newest === undefined) {
      this.#newest = await lifecycle.newest();
      this.#before = this.#newest;
    }
    for (;;) {
      const { events, gap } = await lifecycle.read(this.#newest, pageMax);
      if (gap) {
        // What was kept is of a log that is gone.
        this.#recent = [];
        this.#before = undefined;
      }
      this.#recent.push(...events);
      this.#newest = events.at(-1)?.id ?? (gap ? await lifecycle.newest() : this.#newest);
      this.#before ??= events.length === 0 ? this.#newest : undefined;
      if (this.#recent.length > recentMax) {
        const gone = this.#recent.splice(0, this.#recent.length - recentMax);
        this.#before = gone.at(-1)?.id;
      }
      if (events.length < pageMax) return;
    }
  }

  async #sample(): Promise<void> {
    if (this.#periods++ % periodsPerSample !== 0) return;
    this.#rates = await clusterSample(this.#parts, this.#parts.clock.now());
  }
}

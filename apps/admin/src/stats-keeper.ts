import type { Clock, Directory, Registry, StatsSample } from "@fanfare/domain";
import { clusterSample } from "./cluster-stats.ts";

/** Between two samples: as often as nodes say how they do. */
export const everyMs = 2_000;
const keptMs = 600_000;

/**
 * Remembers the cluster's numbers of the last ten minutes, so that a page that is opened now can draw them. In memory: each
 * admin process begins with nothing. While the broker is away there is no sample.
 */
export class StatsKeeper {
  readonly #parts: { readonly registry: Registry; readonly directory: Directory; readonly clock: Clock };
  readonly #samples: StatsSample[] = [];
  #callOff = (): void => undefined;
  #stopped = false;

  constructor(parts: { readonly registry: Registry; readonly directory: Directory; readonly clock: Clock }) {
    this.#parts = parts;
    this.#next();
  }

  /** Oldest first. */
  get samples(): readonly StatsSample[] {
    return this.#samples;
  }

  stop(): void {
    this.#stopped = true;
    this.#callOff();
  }

  #next(): void {
    if (!this.#stopped) this.#callOff = this.#parts.clock.after(everyMs, () => void this.#take());
  }

  async #take(): Promise<void> {
    const { clock } = this.#parts;
    try {
      const at = clock.now();
      this.#samples.push(await clusterSample(this.#parts, at));
      while ((this.#samples[0]?.at ?? at) < at - keptMs) this.#samples.shift();
    } catch {
      // Whoever asks for anything now is told that the broker is away.
    }
    this.#next();
  }
}

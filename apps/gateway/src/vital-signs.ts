import { readFileSync, statSync } from "node:fs";
import { totalmem } from "node:os";
import { type IntervalHistogram, monitorEventLoopDelay } from "node:perf_hooks";
import { getHeapStatistics } from "node:v8";

/** How finely the event loop is looked at. What is in time is measured as one step of it, which is taken off. */
const resolutionMs = 10;

/** What a process has used up, at one look. */
export interface VitalSigns {
  readonly memoryBytes: number;
  /** Of what V8 may have. */
  readonly heapShare: number;
  /** How late the event loop was, on the average since the last look. */
  readonly eventLoopMs: number;
  /** Undefined where the system does not say. */
  readonly descriptors: number | undefined;
}

/** Looks at this process. */
export class VitalSignsReader {
  readonly #loop: IntervalHistogram = monitorEventLoopDelay({ resolution: resolutionMs });

  #counted = 0;
  #sumMs = 0;
  #takenAtMs = performance.now();

  constructor() {
    this.#loop.enable();
  }

  /** Since the last call. */
  take(): VitalSigns {
    const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics();
    const memoryBytes = process.memoryUsage.rss();
    return { memoryBytes, heapShare: used / limit, eventLoopMs: this.#lateMs(), descriptors: openDescriptors() };
  }

  stop(): void {
    this.#loop.disable();
  }

  /** As a difference of sums: after `reset()` the histogram leaves its next measurement out, which may be the one that counts. */
  #lateMs(): number {
    const { count } = this.#loop;
    const sumMs = count === 0 ? 0 : (this.#loop.mean / 1e6) * count;
    const now = performance.now();
    const counted = count - this.#counted;
    // Not one step in all this time: the loop was held up as long.
    const meanMs = counted === 0 ? now - this.#takenAtMs : (sumMs - this.#sumMs) / counted;
    this.#counted = count;
    this.#sumMs = sumMs;
    this.#takenAtMs = now;
    return Math.max(0, meanMs - resolutionMs);
  }
}

/** What the container may have, or else the machine has. */
export function memoryBytesHere(): number {
  const constrained = process.constrainedMemory();
  const machine = totalmem();
  // Without a limit a cgroup says a number beyond all memory, or 0.
  return constrained > 0 && constrained < machine ? constrained : machine;
}

/** How many files this process may have open; undefined without a limit or where the system does not say. */
export function descriptorsHere(): number | undefined {
  try {
    // Node has raised the soft limit to the hard one when it started.
    const soft = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1];
    return soft === undefined ? undefined : Number(soft);
  } catch {
    return undefined;
  }
}

/** Linux tells it as the folder's size since 6.2, and 0 before: listing 100,000 files every second would itself be a burden. */
function openDescriptors(): number | undefined {
  try {
    return statSync("/proc/self/fd").size || undefined;
  } catch {
    return undefined;
  }
}

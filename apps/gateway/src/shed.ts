import type { Settings } from "@fanfare/config";
import type { Clock } from "@fanfare/domain";
import type { Log, Metrics } from "@fanfare/telemetry";
import { descriptorsHere, memoryBytesHere, type VitalSigns } from "./vital-signs.ts";

/** What a node can have too much of; also a label of `fanfare_shedding`. */
export type Burden = "memory" | "event_loop" | "descriptors";

/** From where on there is too much. Infinity where there is no limit. */
export interface ShedLimits {
  readonly memoryBytes: number;
  readonly heapShare: number;
  readonly eventLoopMs: number;
  readonly descriptors: number;
}

const lookMs = 1_000;
/** A pause of the garbage collector is one look long; what lasts for two is a burden. */
const looksToBegin = 2;
/** Ended below this share of the limit only, and only after so many looks: or a node at its limit opens and closes by turns. */
const reliefShare = 0.9;
const looksToEnd = 5;
const burdens: readonly Burden[] = ["memory", "event_loop", "descriptors"];

const memoryShare = 0.85;
const heapShare = 0.9;
const descriptorShare = 0.9;

/** The settings, with what this machine allows where they say nothing. */
export function shedLimits(
  settings: Pick<Settings, "shedMemoryBytes" | "shedEventLoopMs" | "shedDescriptors">,
  here = { memoryBytes: memoryBytesHere(), descriptors: descriptorsHere() },
): ShedLimits {
  const { shedMemoryBytes = Math.floor(here.memoryBytes * memoryShare), shedEventLoopMs } = settings;
  const { shedDescriptors = Math.floor((here.descriptors ?? 0) * descriptorShare) } = settings;
  const orNone = (limit: number): number => (limit === 0 ? Number.POSITIVE_INFINITY : limit);
  return {
    memoryBytes: orNone(shedMemoryBytes),
    heapShare: shedMemoryBytes === 0 ? Number.POSITIVE_INFINITY : heapShare,
    eventLoopMs: orNone(shedEventLoopMs),
    descriptors: orNone(shedDescriptors),
  };
}

export interface ShedParts {
  readonly limits: ShedLimits;
  /** What is so since the last call. */
  readonly take: () => VitalSigns;
  readonly clock: Pick<Clock, "after">;
  readonly log: Pick<Log, "warn" | "info">;
  readonly metrics: Pick<Metrics, "shedding" | "shedMemory" | "eventLoopDelay">;
}

/** Watches what the node uses up, and says when it is to take no more: who is connected stays, who comes is sent elsewhere. */
export class Shed {
  readonly #parts: ShedParts;
  /** Looks in a row that speak for a change. */
  readonly #looks = new Map<Burden, number>(burdens.map((burden) => [burden, 0]));
  readonly #active = new Set<Burden>();
  #callOff: () => void;

  constructor(parts: ShedParts) {
    this.#parts = parts;
    const { limits, metrics, clock } = parts;
    for (const burden of burdens) metrics.shedding.set({ burden }, 0);
    metrics.shedMemory.set(Number.isFinite(limits.memoryBytes) ? limits.memoryBytes : 0);
    this.#callOff = clock.after(lookMs, () => this.#look());
  }

  /** What there is too much of, undefined when the node may take more. */
  get burden(): Burden | undefined {
    for (const burden of this.#active) return burden;
    return undefined;
  }

  stop(): void {
    this.#callOff();
  }

  #look(): void {
    const { take, limits, metrics, clock } = this.#parts;
    const signs = take();
    metrics.eventLoopDelay.set(signs.eventLoopMs / 1_000);
    this.#judge("memory", Math.max(signs.memoryBytes / limits.memoryBytes, signs.heapShare / limits.heapShare), signs);
    this.#judge("event_loop", signs.eventLoopMs / limits.eventLoopMs, signs);
    this.#judge("descriptors", (signs.descriptors ?? 0) / limits.descriptors, signs);
    this.#callOff = clock.after(lookMs, () => this.#look());
  }

  /** `share`: of the limit. */
  #judge(burden: Burden, share: number, signs: VitalSigns): void {
    const { metrics, log } = this.#parts;
    const active = this.#active.has(burden);
    const speaks = active ? share < reliefShare : share >= 1;
    const looks = speaks ? (this.#looks.get(burden) ?? 0) + 1 : 0;
    const changes = looks >= (active ? looksToEnd : looksToBegin);
    this.#looks.set(burden, changes ? 0 : looks);
    if (!changes) return;
    metrics.shedding.set({ burden }, active ? 0 : 1);
    if (active) {
      this.#active.delete(burden);
      log.info({ burden, ...signs }, "new connections are taken again");
    } else {
      this.#active.add(burden);
      log.warn({ burden, ...signs }, "too much: no new connections are taken");
    }
  }
}

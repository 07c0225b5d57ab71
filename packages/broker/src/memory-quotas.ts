import { type Clock, type Quotas, systemClock } from "@fanfare/domain";

interface Held {
  readonly units: number;
  readonly endsAtMs: number;
}

/** {@link Quotas} within one process. */
export class MemoryQuotas implements Quotas {
  readonly #clock: Pick<Clock, "monotonic">;
  /** By kind and key, then by node. */
  readonly #held = new Map<string, Map<string, Held>>();

  constructor(clock: Pick<Clock, "monotonic"> = systemClock) {
    this.#clock = clock;
  }

  async hold(
    node: string,
    kind: string,
    wants: ReadonlyMap<string, number>,
    max: number,
    lifeMs: number,
  ): Promise<Map<string, number>> {
    const now = this.#clock.monotonic();
    const granted = new Map<string, number>();
    for (const [key, wanted] of wants) {
      const name = `${kind} ${key}`;
      const nodes = this.#held.get(name) ?? new Map<string, Held>();
      let others = 0;
      for (const [other, { units, endsAtMs }] of nodes) {
        if (endsAtMs <= now) nodes.delete(other);
        else if (other !== node) others += units;
      }
      const units = Math.max(0, Math.min(wanted, max - others));
      if (units === 0) nodes.delete(node);
      else nodes.set(node, { units, endsAtMs: now + lifeMs });
      if (nodes.size === 0) this.#held.delete(name);
      else this.#held.set(name, nodes);
      granted.set(key, units);
    }
    return granted;
  }
}

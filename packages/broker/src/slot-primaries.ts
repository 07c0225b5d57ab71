import { type ClusterNode, serves } from "./cluster-view.ts";

/**
 * The primaries of the slots that somebody wants, as far as the views of several nodes tell. Nodes disagree for a while after
 * each failover, and one that is cut off from the others never learns of it: the claim of the higher epoch counts, so that
 * a stale view leads nobody back.
 */
export class SlotPrimaries {
  readonly #bySlot = new Map<number, ClusterNode | undefined>();

  /** From now on views are searched for this slot. */
  want(slot: number): void {
    if (!this.#bySlot.has(slot)) this.#bySlot.set(slot, undefined);
  }

  of(slot: number): ClusterNode | undefined {
    return this.#bySlot.get(slot);
  }

  /** Takes one node's view in: all nodes that it knows. */
  learn(nodes: readonly ClusterNode[]): void {
    const ids = new Set(nodes.map(({ id }) => id));
    for (const [slot, known] of this.#bySlot) {
      const claim = nodes.find((node) => serves(node, slot));
      if (claim === undefined) continue;
      // A cluster that was made anew counts its epochs from the beginning, with nodes of other names.
      if (known === undefined || claim.epoch >= known.epoch || !ids.has(known.id)) this.#bySlot.set(slot, claim);
    }
  }
}

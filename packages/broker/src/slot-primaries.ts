import { type ServerView, serves } from "./view.ts";

/**
 * The primaries of the slots that somebody wants, as far as several views tell. They disagree for a while after
 * each failover, and whoever is cut off from the others never learns of it: the claim of the higher epoch counts, so that
 * a stale view leads nobody back.
 */
export class SlotPrimaries {
  readonly #bySlot = new Map<number, ServerView | undefined>();

  /** From now on views are searched for this slot. */
  want(slot: number): void {
    if (!this.#bySlot.has(slot)) this.#bySlot.set(slot, undefined);
  }

  of(slot: number): ServerView | undefined {
    return this.#bySlot.get(slot);
  }

  /** Takes in one view: all servers that are known there. */
  learn(servers: readonly ServerView[]): void {
    const ids = new Set(servers.map(({ id }) => id));
    for (const [slot, known] of this.#bySlot) {
      const claim = servers.find((server) => serves(server, slot));
      if (claim === undefined) continue;
      // A cluster that was made anew counts its epochs from the beginning, with servers of other names.
      if (known === undefined || claim.epoch >= known.epoch || !ids.has(known.id)) this.#bySlot.set(slot, claim);
    }
  }
}

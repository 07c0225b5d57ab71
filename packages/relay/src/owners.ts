import type { Clock, NodeRecord } from "@fanfare/domain";

/** How old the list may be that answers are given from. */
const freshMs = 1_000;
/** A prefix that is not in the list asks for a new one, but forged ones must not ask more often than this. */
const askAgainMs = 100;

/**
 * Where the nodes are, by the prefix of their session ids. One reading of the directory a second serves everybody; while
 * the directory cannot be read, the last list stays good: who is gone does not answer anyway.
 */
export class Owners {
  readonly #nodes: () => Promise<readonly NodeRecord[]>;
  readonly #clock: Pick<Clock, "monotonic">;
  #byPrefix: ReadonlyMap<string, NodeRecord> = new Map();
  #readAtMs = Number.NEGATIVE_INFINITY;
  #reading: Promise<void> | undefined;

  constructor(nodes: () => Promise<readonly NodeRecord[]>, clock: Pick<Clock, "monotonic">) {
    this.#nodes = nodes;
    this.#clock = clock;
  }

  /** The peer URL of the node, or undefined when the cluster has no such node. Never rejects. */
  async resolve(sidPrefix: string): Promise<string | undefined> {
    // A node is in the directory before it makes its first session, so a prefix that a fresh list does not have is none.
    await this.#refresh(this.#byPrefix.has(sidPrefix) ? freshMs : askAgainMs);
    return this.#byPrefix.get(sidPrefix)?.peerUrl;
  }

  /** How many nodes the cluster had when it was last looked at. Looks again in the background. */
  get count(): number {
    void this.#refresh(freshMs);
    return this.#byPrefix.size;
  }

  async #refresh(agedMs: number): Promise<void> {
    if (this.#clock.monotonic() - this.#readAtMs < agedMs) return;
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    await this.#reading;
  }

  async #read(): Promise<void> {
    try {
      const nodes = await this.#nodes();
      this.#byPrefix = new Map(nodes.map((node) => [node.sidPrefix, node]));
    } catch {
      // Kept as it is. Whoever reads the directory elsewhere logs that it is away.
    }
    this.#readAtMs = this.#clock.monotonic();
  }
}

import type { AtomicItem, PublishOutcome } from "@fanfare/domain";

/** Publications of one script: each takes Redis some 20 µs, in which it does nothing else. */
const itemsMax = 50;
/** Characters of payload in one script, unless one publication alone has more. */
const charactersMax = 262_144;

/** Stores them in this order, each by itself. Either all of them are answered or it rejects. */
type Store = (items: readonly AtomicItem[]) => Promise<readonly PublishOutcome[]>;

interface Waiting {
  readonly item: AtomicItem;
  readonly resolve: (outcome: PublishOutcome) => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * What is published within one turn of the event loop goes to its partition as one script, in the order in which it came: a
 * command costs Node more than what it carries.
 */
export class PublishTurns {
  readonly #store: Store;
  #waiting: Waiting[] = [];
  #characters = 0;

  constructor(store: Store) {
    this.#store = store;
  }

  add(item: AtomicItem): Promise<PublishOutcome> {
    return new Promise((resolve, reject) => {
      const { length } = item.draft.payload.json;
      if (this.#waiting.length === itemsMax || this.#characters + length > charactersMax) this.send();
      if (this.#waiting.length === 0) setImmediate(() => this.send());
      this.#waiting.push({ item, resolve, reject });
      this.#characters += length;
    });
  }

  /** Sends what has come so far. */
  send(): void {
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    this.#waiting = [];
    this.#characters = 0;
    this.#store(waiting.map(({ item }) => item)).then(
      (outcomes) => {
        for (const [at, { resolve }] of waiting.entries()) resolve(outcomes[at] as PublishOutcome);
      },
      (reason) => {
        for (const { reject } of waiting) reject(reason);
      },
    );
  }
}

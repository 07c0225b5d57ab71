import { asFanfareError, type PublishFailure, type PublishItem, type PublishOutcome } from "@fanfare/domain";

/** Publications of one script: each takes Redis some 20 µs, in which it does nothing else. */
const itemsMax = 50;
/** Characters of payload in one script, unless one publication alone has more. */
const charactersMax = 262_144;

/** Stores them in this order, each by itself. Either all of them are answered or it rejects. */
type Store = (items: readonly PublishItem[]) => Promise<readonly PublishOutcome[]>;

/** What is told of each publication, as soon as it is known. */
type Settle = (outcome: PublishOutcome | PublishFailure) => void;

/**
 * What is published within one turn of the event loop goes to its partition as one script, in the order in which it came: a
 * command costs Node more than what it carries.
 */
export class PublishTurns {
  readonly #store: Store;
  #items: PublishItem[] = [];
  #settles: Settle[] = [];
  #characters = 0;

  constructor(store: Store) {
    this.#store = store;
  }

  add(item: PublishItem, settle: Settle): void {
    const { length } = item.draft.payload.json;
    if (this.#items.length === itemsMax || this.#characters + length > charactersMax) this.send();
    if (this.#items.length === 0) setImmediate(() => this.send());
    this.#items.push(item);
    this.#settles.push(settle);
    this.#characters += length;
  }

  /** Sends what has come so far. */
  send(): void {
    const items = this.#items;
    const settles = this.#settles;
    if (items.length === 0) return;
    this.#items = [];
    this.#settles = [];
    this.#characters = 0;
    this.#store(items).then(
      (outcomes) => {
        for (const [at, settle] of settles.entries()) settle(outcomes[at] as PublishOutcome);
      },
      (reason) => {
        const failure: PublishFailure = { kind: "failed", error: asFanfareError(reason) };
        for (const settle of settles) settle(failure);
      },
    );
  }
}

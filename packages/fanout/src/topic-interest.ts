import type { PubSub } from "@fanfare/domain";

/** Counts who needs a topic, so that the channel's state and the stock adapter can share one subscription. */
export class TopicInterest {
  readonly #pubSub: PubSub;
  readonly #holders = new Map<string, number>();

  constructor(pubSub: PubSub) {
    this.#pubSub = pubSub;
  }

  /** Resolves as {@link PubSub.subscribe} does. */
  acquire(topic: string): Promise<void> {
    this.#holders.set(topic, (this.#holders.get(topic) ?? 0) + 1);
    return this.#pubSub.subscribe(topic);
  }

  release(topic: string): void {
    const holders = (this.#holders.get(topic) ?? 0) - 1;
    if (holders > 0) {
      this.#holders.set(topic, holders);
      return;
    }
    this.#holders.delete(topic);
    this.#pubSub.unsubscribe(topic);
  }
}

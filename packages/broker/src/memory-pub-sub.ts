import type { Link, PubSub } from "@fanfare/domain";
import { MemoryHub } from "./memory-hub.ts";

interface Heard {
  readonly topic: string;
  readonly message: Uint8Array;
}

/** {@link PubSub} within one process. Its link is always up. */
export class MemoryPubSub implements PubSub {
  readonly #hub: MemoryHub;
  readonly #topics = new Set<string>();
  #listener: (topic: string, message: Uint8Array) => void = () => {};
  #queue: Heard[] = [];
  #closed = false;
  #listenerErrors = 0;

  constructor(hub: MemoryHub = new MemoryHub()) {
    this.#hub = hub;
  }

  /** Messages at which the listener threw. It must not; the count shows when it does. */
  get listenerErrors(): number {
    return this.#listenerErrors;
  }

  async subscribe(topic: string): Promise<void> {
    if (this.#closed || this.#topics.has(topic)) return;
    this.#topics.add(topic);
    this.#hub.join(topic, this.#hear);
  }

  unsubscribe(topic: string): void {
    this.#topics.delete(topic);
    this.#hub.leave(topic, this.#hear);
  }

  async publish(topic: string, message: Uint8Array): Promise<void> {
    this.#hub.tell(topic, message);
  }

  async subscribers(topic: string): Promise<number> {
    return this.#hub.count(topic);
  }

  onMessage(listener: (topic: string, message: Uint8Array) => void): void {
    this.#listener = listener;
  }

  onLink(listener: (link: Link, partition: number) => void): void {
    setImmediate(() => {
      if (!this.#closed) listener("up", 0);
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const topic of this.#topics) this.#hub.leave(topic, this.#hear);
    this.#topics.clear();
    this.#queue = [];
  }

  /** Messages of one turn are handed over together in a later one, as those of one TCP chunk are: nobody relies on less. */
  readonly #hear = (topic: string, message: Uint8Array): void => {
    this.#queue.push({ topic, message });
    if (this.#queue.length === 1) setImmediate(this.#drain);
  };

  readonly #drain = (): void => {
    const heard = this.#queue;
    this.#queue = [];
    for (const { topic, message } of heard) {
      if (!this.#topics.has(topic)) continue;
      try {
        this.#listener(topic, message);
      } catch {
        // It must not cost the messages behind it.
        this.#listenerErrors++;
      }
    }
  };
}

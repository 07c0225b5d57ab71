import { type PubSub, topicOfNode } from "@fanfare/domain";
import type { TopicInterest } from "./topic-interest.ts";

type Hear = (message: Uint8Array) => void;

/** A topic that is listened to. */
export interface Listening {
  readonly listening: Promise<void>;
  stop(): void;
}

/** What nodes say to one another beside publications: on topics of their own, and to each node by its name. */
export class SideTopics {
  readonly #pubSub: PubSub;
  readonly #interest: TopicInterest;
  readonly #cluster: string;
  readonly #listeners = new Map<string, Hear>();
  readonly #nodeListeners: Hear[] = [];

  constructor(pubSub: PubSub, interest: TopicInterest, { cluster, node }: { readonly cluster: string; readonly node: string }) {
    this.#pubSub = pubSub;
    this.#interest = interest;
    this.#cluster = cluster;
    const hear: Hear = (message) => {
      for (const listener of this.#nodeListeners) listener(message);
    };
    // Kept subscribed for good: the promise settles when the broker is there, and nobody waits for that.
    this.listen(topicOfNode(cluster, node), hear).listening.catch(() => undefined);
  }

  /** Whether the topic is one of these; then the message has been heard. */
  hear(topic: string, message: Uint8Array): boolean {
    const hear = this.#listeners.get(topic);
    hear?.(message);
    return hear !== undefined;
  }

  listen(topic: string, hear: Hear): Listening {
    this.#listeners.set(topic, hear);
    return {
      listening: this.#interest.acquire(topic),
      stop: () => {
        if (this.#listeners.get(topic) !== hear) return;
        this.#listeners.delete(topic);
        this.#interest.release(topic);
      },
    };
  }

  async tell(node: string, message: Uint8Array): Promise<void> {
    await this.#pubSub.publish(topicOfNode(this.#cluster, node), message);
  }

  onNodeMessage(listener: Hear): void {
    this.#nodeListeners.push(listener);
  }
}

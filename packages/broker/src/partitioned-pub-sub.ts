import { FanfareError, type Link, type PubSub } from "@fanfare/domain";
import type { Commands } from "./commands.ts";
import type { PubSubKind } from "./pub-sub-kind.ts";
import type { RedisPubSub } from "./redis-pub-sub.ts";
import { countSubscribers, tell } from "./redis-topics.ts";
import { slotOf } from "./slots.ts";

export interface PartitionedPubSubOptions {
  /** One for each partition, in their order. */
  readonly parts: readonly RedisPubSub[];
  /** Opens what asks, and what hears, the primary of a slot that is no partition's. */
  readonly openCommands: (slot: number) => Commands;
  readonly openPubSub: (slot: number, commands: Commands) => RedisPubSub;
}

/**
 * {@link PubSub} on a Redis Cluster: a topic is said and heard at the primary of its partition.
 *
 * Topics of no partition are those that stock adapters speak to all nodes on, and to one that has asked them something: a
 * handful. They live where stock nodes look for them, so each has a connection to its own slot's primary, opened when it is
 * used first. Their links are nobody's concern: they carry nothing that has a log.
 */
export class PartitionedPubSub implements PubSub {
  readonly #options: PartitionedPubSubOptions;
  readonly #commands = new Map<number, Commands>();
  readonly #strays = new Map<number, RedisPubSub>();
  #onMessage: (topic: string, message: Uint8Array) => void = () => {};
  #closed = false;

  constructor(options: PartitionedPubSubOptions) {
    this.#options = options;
  }

  get listenerErrors(): number {
    return [...this.#options.parts, ...this.#strays.values()].reduce((sum, part) => sum + part.listenerErrors, 0);
  }

  subscribe(topic: string): Promise<void> {
    if (this.#closed) return new Promise(() => {});
    return (this.#partOf(topic) ?? this.#strayOf(slotOf(topic))).subscribe(topic);
  }

  unsubscribe(topic: string): void {
    (this.#partOf(topic) ?? this.#strays.get(slotOf(topic)))?.unsubscribe(topic);
  }

  async publish(topic: string, message: Uint8Array): Promise<void> {
    const part = this.#partOf(topic);
    if (part !== undefined) return part.publish(topic, message);
    const kind = this.#kind();
    await tell(this.#commandsOf(slotOf(topic)), kind, topic, message);
  }

  async subscribers(topic: string): Promise<number> {
    const part = this.#partOf(topic);
    if (part !== undefined) return part.subscribers(topic);
    const kind = this.#kind();
    return countSubscribers(this.#commandsOf(slotOf(topic)), kind, topic);
  }

  onMessage(listener: (topic: string, message: Uint8Array) => void): void {
    this.#onMessage = listener;
    for (const part of [...this.#options.parts, ...this.#strays.values()]) part.onMessage(listener);
  }

  onLink(listener: (link: Link, partition: number) => void): void {
    for (const [partition, part] of this.#options.parts.entries()) part.onLink((link) => listener(link, partition));
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const part of [...this.#options.parts, ...this.#strays.values()]) await part.close();
    for (const commands of this.#commands.values()) commands.close();
  }

  /** All primaries are of one version, or near it. */
  #kind(): PubSubKind {
    const kind = this.#options.parts.find((part) => part.kind !== undefined)?.kind;
    if (kind === undefined || this.#closed) throw new FanfareError("BROKER_UNAVAILABLE");
    return kind;
  }

  /** By the number in the topic's braces, see `roomOf`. */
  #partOf(topic: string): RedisPubSub | undefined {
    const number = /^[^{]*\{([0-9]{1,5})\}/.exec(topic)?.[1];
    return number === undefined ? undefined : this.#options.parts[Number(number)];
  }

  #strayOf(slot: number): RedisPubSub {
    let stray = this.#strays.get(slot);
    if (stray === undefined) {
      stray = this.#options.openPubSub(slot, this.#commandsOf(slot));
      stray.onMessage(this.#onMessage);
      this.#strays.set(slot, stray);
    }
    return stray;
  }

  #commandsOf(slot: number): Commands {
    let commands = this.#commands.get(slot);
    if (commands === undefined) {
      commands = this.#options.openCommands(slot);
      this.#commands.set(slot, commands);
    }
    return commands;
  }
}

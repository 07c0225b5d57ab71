/**
 * Topics that the nodes of one cluster hear each other on. It carries announcements and what stock adapters say to each
 * other, and it remembers nothing.
 *
 * Delivery: at most once. Order: messages of one publisher's connection keep their order within a partition (the braces
 * of {@link roomOf}); so do announcements, because the broker makes them one after another.
 * While the broker is away: `subscribe` waits, `publish` rejects with `BROKER_UNAVAILABLE` within the command's deadline,
 * and nothing throws out of a listener.
 */
export interface PubSub {
  /**
   * Resolves once everything published on the topic from now on will be heard, on this link or on one that replaces it;
   * what is missed in between is announced by `onLink("up")`. Idempotent.
   */
  subscribe(topic: string): Promise<void>;

  /** From now on the topic's messages may no longer be heard. MAY linger: a late message is not an error. */
  unsubscribe(topic: string): void;

  publish(topic: string, message: Uint8Array): Promise<void>;

  /** How many nodes are subscribed to the topic. */
  subscribers(topic: string): Promise<number>;

  /** Registers the one listener. It MUST act synchronously and MUST NOT throw. */
  onMessage(listener: (topic: string, message: Uint8Array) => void): void;

  /**
   * The link to each partition, by itself. `down`: messages may be missing from now on. `up`: every subscribed topic is heard again; what was announced in
   * between is only in the logs. The first `up` comes with the first connection.
   */
  onLink(listener: (link: Link, partition: number) => void): void;

  /** Nothing is heard afterwards. Idempotent. */
  close(): Promise<void>;
}

export type Link = "up" | "down";

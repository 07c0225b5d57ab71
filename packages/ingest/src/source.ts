import type { Draft, FanfareError } from "@fanfare/domain";

/** Where messages come from. Also the label of every metric of ingestion. */
export type SourceName = "zeromq" | "amqp" | "redis-stream" | "redis-pattern" | "redis-emitter";

/** One message that a source has taken in and not acknowledged yet. Exactly one of its two ends is called, once. */
export interface Delivery {
  /** What is to be published, with an id. Throws an error of the band `caller` when it can never be published. */
  draft(): Draft;
  /** It is stored: the source acknowledges it. */
  stored(): void;
  /** It can never be stored: the source puts it where somebody can look at it. Resolves when it lies there. */
  poison(reason: FanfareError): void | Promise<void>;
}

/** Takes a message over. Resolves when there is room for the next one: a source that waits for it is held back by it. */
export type Intake = (delivery: Delivery) => Promise<void>;

/**
 * A place that messages come from.
 *
 * Order: messages are handed over in the order in which the place has them; where it has several partitions (producers,
 * queues) the order holds within each. Redelivered ones come again in their old order.
 * Acknowledgement: nothing is acknowledged at the place before {@link Delivery.stored}. What was handed over and not ended
 * when the process dies comes again, unless the place cannot do that (ZeroMQ, Redis PUBLISH).
 * Identity: a redelivered message has the same id, so that the broker knows it.
 * While the place is away: the source waits for it and goes on by itself; no verb rejects because of it.
 * Back-pressure: a source holds no more than a fixed number of messages that {@link Intake} has not made room for.
 */
export interface Source {
  readonly name: SourceName;
  /** Begins to take messages. Rejects with `SETTINGS_INVALID` when it never can. Called once. */
  start(intake: Intake): Promise<void>;
  /** Takes nothing more. Messages that were handed over can still be ended. Resolves when none will be handed over. */
  stop(): Promise<void>;
  /** After {@link stop}: tells the place what was acknowledged and lets it go. */
  close(): Promise<void>;
  /** Messages that wait at the place. Undefined when it cannot be known, or the place is away. */
  lag(): Promise<number | undefined>;
}

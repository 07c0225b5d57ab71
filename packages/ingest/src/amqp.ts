import { randomBytes } from "node:crypto";
import type { Clock, FanfareError } from "@fanfare/domain";
import type { Log } from "@fanfare/telemetry";
import { type Channel, type ChannelModel, type ConfirmChannel, type ConsumeMessage, connect } from "amqplib";
import { draftOfAmqp, fingerprintOf } from "./amqp-message.ts";
import { type AmqpTopology, deadNameOf, declareTopology, isInUse } from "./amqp-topology.ts";
import { reasonText } from "./dead-letter.ts";
import { Pauses } from "./pauses.ts";
import type { Delivery, Intake, Source } from "./source.ts";

export interface AmqpOptions extends AmqpTopology {
  readonly url: string;
  /** The channel of messages without a header `channel`. */
  readonly channelTemplate: string;
  /** Unacknowledged messages that are held. */
  readonly prefetch: number;
  readonly log: Log;
  readonly clock: Clock;
}

const connectTimeoutMs = 5_000;
const closeTimeoutMs = 1_000;
const retryMs = { first: 200, last: 5_000 };
/** How often a worker that stands by tries to be the reader. */
const standByMs = 1_000;

/**
 * A queue of RabbitMQ, or of anything else that speaks AMQP 0-9-1.
 *
 * Order: that of the queue. One worker reads it at a time, as its exclusive consumer; others stand by and go on within
 * about a second when it is gone. To spread load, spread it over queues.
 * Identity: the message-id. A message without one is known again as long as this process lives; one that was stored and
 * not acknowledged when the process was killed is published twice.
 */
export class AmqpSource implements Source {
  readonly name = "amqp";
  readonly #options: AmqpOptions;
  readonly #recent: RecentIds;
  #connection: ChannelModel | undefined;
  /** Of the messages. */
  #channel: Channel | undefined;
  #stopConsuming: (() => Promise<void>) | undefined;
  #stopping = false;
  readonly #pauses: Pauses;
  #loop: Promise<void> = Promise.resolve();
  /** Handed over and not ended. */
  #inHand = 0;
  #whenEnded: (() => void)[] = [];
  #said: "away" | "there" | "standing by" | undefined;

  constructor(options: AmqpOptions) {
    this.#options = options;
    this.#pauses = new Pauses(options.clock);
    this.#recent = new RecentIds(options.prefetch * 4);
  }

  async start(intake: Intake): Promise<void> {
    this.#loop = this.#run(intake);
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.#pauses.cutShort();
    await this.#stopConsuming?.();
  }

  async close(): Promise<void> {
    const connection = this.#connection;
    if (connection === undefined) return;
    // The channel first: its goodbye is read behind its acknowledgements, the connection's may overtake them.
    if (this.#channel !== undefined) await this.#within(closeTimeoutMs, closeQuietly(this.#channel));
    await this.#within(closeTimeoutMs, closeQuietly(connection));
    await this.#within(closeTimeoutMs, this.#loop);
  }

  async lag(): Promise<number | undefined> {
    const channel = await this.#connection?.createChannel();
    if (channel === undefined) return undefined;
    channel.on("error", () => undefined);
    const { messageCount } = await channel.checkQueue(this.#options.queue);
    await channel.close();
    return messageCount;
  }

  async #run(intake: Intake): Promise<void> {
    let failures = 0;
    while (!this.#stopping) {
      try {
        await this.#session(intake, () => {
          failures = 0;
        });
      } catch (error) {
        if (isInUse(error)) {
          this.#say("standing by");
          await this.#pauses.pause(standByMs);
          continue;
        }
        this.#say("away", error);
      }
      if (!this.#stopping) await this.#pauses.pause(Math.min(retryMs.last, retryMs.first * 2 ** failures++));
    }
  }

  /** One connection's life. Resolves when it has ended. */
  async #session(intake: Intake, begun: () => void): Promise<void> {
    const { url, queue, prefetch, log } = this.#options;
    const connection = await connect(url, { timeout: connectTimeoutMs, noDelay: true, keepAlive: true });
    let lastError: unknown;
    connection.on("error", (error) => {
      lastError = error;
    });
    const closed = new Promise<void>((resolve) => connection.on("close", () => resolve()));
    this.#connection = connection;
    try {
      await declareTopology(connection, this.#options, (name) => log.warn({ name }, "used as it is: it has other properties"));
      const poison = await connection.createConfirmChannel();
      poison.on("error", () => undefined);
      const channel = await connection.createChannel();
      this.#channel = channel;
      channel.on("error", (error) => {
        lastError = error;
      });
      const ended = new Promise<void>((resolve) => channel.on("close", () => resolve()));
      // What the connection before left in hand is stored first: it comes again now, and would otherwise be overtaken.
      await this.#allEnded();
      if (this.#stopping) return;
      await channel.prefetch(prefetch);
      const gone = new Promise<void>((resolve) => {
        void channel
          .consume(queue, (message) => (message === null ? resolve() : this.#hand(message, channel, poison, intake)), {
            exclusive: true,
          })
          .then(
            ({ consumerTag }) => {
              this.#stopConsuming = async () => {
                // A channel that is closed already throws before it returns a promise.
                const cancelled = (async () => channel.cancel(consumerTag))();
                await this.#within(closeTimeoutMs, cancelled);
              };
              begun();
              this.#say("there");
            },
            (error: unknown) => {
              lastError = error;
              resolve();
            },
          );
      });
      await Promise.race([closed, ended, gone]);
      if (this.#stopping) return await closed;
      throw lastError ?? new Error("the connection was closed");
    } finally {
      this.#stopConsuming = undefined;
      // While stopping it stays open for the acknowledgements that are still to come.
      if (!this.#stopping) {
        this.#connection = undefined;
        this.#channel = undefined;
        void closeQuietly(connection);
      }
    }
  }

  #hand(message: ConsumeMessage, channel: Channel, poison: ConfirmChannel, intake: Intake): void {
    this.#inHand += 1;
    const { fields } = message;
    const end = (): void => {
      acknowledge(channel, message);
      this.#inHand -= 1;
      if (this.#inHand === 0) for (const go of this.#whenEnded.splice(0)) go();
    };
    const delivery: Delivery = {
      draft: () =>
        draftOfAmqp(message, this.#options.channelTemplate, () => this.#recent.idOf(fingerprintOf(message), fields.redelivered)),
      stored: end,
      poison: async (reason) => {
        await putAside(poison, message, this.#options.queue, reason).then(end, () => {
          // Not acknowledged: it comes again with the next connection.
          this.#inHand -= 1;
          if (this.#inHand === 0) for (const go of this.#whenEnded.splice(0)) go();
        });
      },
    };
    // Not waited for: what may come before an acknowledgement is bounded by the prefetch.
    void intake(delivery);
  }

  #allEnded(): Promise<void> {
    return this.#inHand === 0 ? Promise.resolve() : new Promise((go) => this.#whenEnded.push(go));
  }

  /** Waits for it, but not longer, and not for its outcome. */
  #within(ms: number, work: Promise<unknown>): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#options.clock.after(ms, resolve);
      const done = (): void => {
        cancel();
        resolve();
      };
      work.then(done, done);
    });
  }

  /** One line when it changes, however many attempts lie between. */
  #say(state: "away" | "there" | "standing by", error?: unknown): void {
    if (this.#said === state || this.#stopping) return;
    this.#said = state;
    const { log, queue } = this.#options;
    if (state === "away") log.warn({ queue, reason: error instanceof Error ? error.message : String(error) }, "amqp is away");
    else log.info({ queue }, state === "there" ? "amqp is there" : "another worker reads the queue: standing by");
  }
}

/** Ids of messages without a message-id, so that one that is delivered again is known by what it says. */
class RecentIds {
  readonly #ids = new Map<string, string>();
  readonly #max: number;
  readonly #run = randomBytes(9).toString("base64url");
  #count = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /** Of two that say the same, one that is new gets an id of its own: only a redelivered one is taken for an old one. */
  idOf(fingerprint: string, redelivered: boolean): string {
    const known = redelivered ? this.#ids.get(fingerprint) : undefined;
    const id = known ?? `amqp.${this.#run}.${++this.#count}`;
    this.#ids.delete(fingerprint);
    this.#ids.set(fingerprint, id);
    if (this.#ids.size > this.#max) {
      const [oldest] = this.#ids.keys();
      if (oldest !== undefined) this.#ids.delete(oldest);
    }
    return id;
  }
}

/** What is closed already throws, some of it before it returns a promise. */
async function closeQuietly(closable: { close(): Promise<void> }): Promise<void> {
  try {
    await closable.close();
  } catch {
    // That is where it was to go.
  }
}

function acknowledge(channel: Channel, message: ConsumeMessage): void {
  try {
    channel.ack(message);
  } catch {
    // The channel is gone: the message is delivered again and then found to be stored.
  }
}

/** Resolves when the server has confirmed that the message lies in the dead-letter queue. */
function putAside(channel: ConfirmChannel, message: ConsumeMessage, queue: string, reason: FanfareError): Promise<void> {
  const { headers, expiration: _, ...properties } = message.properties;
  const { exchange, routingKey } = message.fields;
  const why = {
    "x-fanfare-code": reason.code,
    "x-fanfare-reason": reasonText(reason),
    "x-fanfare-exchange": exchange,
    "x-fanfare-routing-key": routingKey,
  };
  return new Promise((resolve, reject) => {
    channel.publish(
      deadNameOf(queue),
      routingKey,
      message.content,
      { ...properties, headers: { ...headers, ...why }, persistent: true },
      (error: unknown) => (error ? reject(error) : resolve()),
    );
  });
}

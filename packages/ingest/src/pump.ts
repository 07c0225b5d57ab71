import {
  asFanfareError,
  type Broker,
  type Channel,
  type Clock,
  type Draft,
  FanfareError as Failure,
  type FanfareError,
  type Retention,
} from "@fanfare/domain";
import type { Log, Metrics } from "@fanfare/telemetry";
import type { Delivery, Intake, Source } from "./source.ts";

export interface PumpOptions {
  readonly source: Source;
  readonly broker: Pick<Broker, "publish">;
  /** How long the log of a channel reaches back. */
  readonly retain: (channel: Channel) => Retention;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly clock: Clock;
  /** Messages that are held at most, waiting to be stored. */
  readonly heldMax?: number;
}

const heldMaxDefault = 1_000;
/** The pause before a publication is tried again grows from the first to the last. */
const retryMs = { first: 50, last: 1_000 };
/** What breaks on our side this often in a row will go on to: it must not hold up everything behind it. */
const bugAttemptsMax = 5;
const poisonLogMs = 60_000;
const lagPeriodMs = 5_000;

/**
 * Publishes what a source takes in and ends each message when its fate is known.
 *
 * Order: messages of one channel are published one after another, in the order they were handed over: the next is sent
 * when the one before is stored, because of several sent at once the broker could refuse the first and take the second.
 * Different channels do not wait for each other.
 * While the broker is away: each message is tried again under its id until it is stored, and once {@link PumpOptions.heldMax}
 * are held the source is held back.
 */
export class Pump {
  readonly #options: PumpOptions;
  readonly #heldMax: number;
  /** The end of each channel's queue. */
  readonly #lanes = new Map<Channel, Promise<void>>();
  readonly #waitingForRoom: (() => void)[] = [];
  readonly #waitingToRetry = new Set<() => void>();
  #held = 0;
  #whenEmpty: (() => void)[] = [];
  #abandoned = false;
  #retrying = 0;
  #blockedSince = 0;
  #poisonUnsaid = 0;
  #poisonSaidAt = Number.NEGATIVE_INFINITY;
  #cancelLag: (() => void) | undefined;

  constructor(options: PumpOptions) {
    this.#options = options;
    this.#heldMax = options.heldMax ?? heldMaxDefault;
  }

  /** Starts the source. Rejects as {@link Source.start} does. */
  async start(): Promise<void> {
    await this.#options.source.start(this.#intake);
    this.#watchLag();
  }

  /**
   * Takes nothing more, publishes what is held and lets the source go. What cannot be published within `ms` is given up
   * without being acknowledged, so that the place delivers it again where it can. Idempotent enough to be called twice.
   */
  async drain(ms: number): Promise<void> {
    const { source, clock, log } = this.#options;
    this.#cancelLag?.();
    const stopped = source.stop();
    const cancel = clock.after(ms, () => this.#abandon());
    await this.#empty();
    await stopped;
    await this.#empty();
    cancel();
    if (this.#held > 0) log.warn({ source: source.name, held: this.#held }, "given up unacknowledged");
    await source.close();
  }

  readonly #intake: Intake = async (delivery) => {
    const { source, metrics } = this.#options;
    metrics.ingestConsumed.inc({ source: source.name });
    this.#held += 1;
    let draft: Draft | undefined;
    try {
      draft = delivery.draft();
    } catch (thrown) {
      void this.#refuse(delivery, asFanfareError(thrown)).then(() => this.#release());
    }
    if (draft !== undefined) this.#enqueue(draft, delivery);
    if (this.#held >= this.#heldMax) await new Promise<void>((go) => this.#waitingForRoom.push(go));
  };

  #enqueue(draft: Draft, delivery: Delivery): void {
    const { channel } = draft;
    const before = this.#lanes.get(channel) ?? Promise.resolve();
    const lane = before
      .then(() => this.#settle(draft, delivery))
      .then(() => {
        if (this.#lanes.get(channel) === lane) this.#lanes.delete(channel);
      });
    this.#lanes.set(channel, lane);
  }

  /** Resolves when the message has ended, or the pump gives up. Never rejects: the lane goes on behind it. */
  async #settle(draft: Draft, delivery: Delivery): Promise<void> {
    const { source, metrics } = this.#options;
    const outcome = await this.#publish(draft);
    if (outcome === undefined) return;
    if (outcome instanceof Failure) await this.#refuse(delivery, outcome);
    else {
      if (outcome === "stored") metrics.ingestPublished.inc({ source: source.name });
      else metrics.ingestDuplicates.inc({ source: source.name });
      delivery.stored();
    }
    this.#release();
  }

  /** Tries until the broker has said yes or never. Undefined when the pump has given up. */
  async #publish(draft: Draft): Promise<"stored" | "duplicate" | FanfareError | undefined> {
    const { broker, retain } = this.#options;
    for (let attempt = 1; !this.#abandoned; attempt++) {
      try {
        const { kind } = await broker.publish(draft, retain(draft.channel));
        if (attempt > 1) this.#unblocked();
        return kind === "conflict" ? new Failure("ID_CONFLICT") : kind;
      } catch (thrown) {
        const error = asFanfareError(thrown);
        const hopeless = error.band === "caller" || (error.band === "bug" && attempt >= bugAttemptsMax);
        if (attempt === 1 && !hopeless) this.#blocked(error);
        if (hopeless) {
          if (attempt > 1) this.#unblocked();
          return error;
        }
        await this.#pause(Math.min(retryMs.last, retryMs.first * 2 ** (attempt - 1)));
      }
    }
    return undefined;
  }

  async #refuse(delivery: Delivery, reason: FanfareError): Promise<void> {
    const { source, metrics, log, clock } = this.#options;
    metrics.ingestPoison.inc({ source: source.name });
    this.#poisonUnsaid += 1;
    if (clock.monotonic() - this.#poisonSaidAt >= poisonLogMs) {
      this.#poisonSaidAt = clock.monotonic();
      log.warn({ source: source.name, code: reason.code, errors: reason.errors, messages: this.#poisonUnsaid }, "poison");
      this.#poisonUnsaid = 0;
    }
    try {
      await delivery.poison(reason);
    } catch (err) {
      log.error({ source: source.name, err }, "a poison message could not be put aside");
    }
  }

  #release(): void {
    this.#held -= 1;
    if (this.#held < this.#heldMax) this.#waitingForRoom.shift()?.();
    if (this.#held === 0) for (const go of this.#whenEmpty.splice(0)) go();
  }

  #empty(): Promise<void> {
    return this.#held === 0 || this.#abandoned ? Promise.resolve() : new Promise((go) => this.#whenEmpty.push(go));
  }

  #abandon(): void {
    this.#abandoned = true;
    for (const go of [...this.#waitingToRetry, ...this.#whenEmpty.splice(0), ...this.#waitingForRoom.splice(0)]) go();
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const go = (): void => {
        cancel();
        this.#waitingToRetry.delete(go);
        this.#countPaused();
        resolve();
      };
      const cancel = this.#options.clock.after(ms, go);
      this.#waitingToRetry.add(go);
    });
  }

  #blocked(error: FanfareError): void {
    this.#retrying += 1;
    if (this.#retrying > 1) return;
    this.#blockedSince = this.#options.clock.monotonic();
    this.#options.log.warn({ source: this.#options.source.name, code: error.code }, "paused: nothing can be published");
  }

  #unblocked(): void {
    this.#countPaused();
    this.#retrying -= 1;
    if (this.#retrying === 0) this.#options.log.info({ source: this.#options.source.name }, "resumed");
  }

  #countPaused(): void {
    const now = this.#options.clock.monotonic();
    this.#options.metrics.ingestPaused.inc({ source: this.#options.source.name }, (now - this.#blockedSince) / 1_000);
    this.#blockedSince = now;
  }

  #watchLag(): void {
    const { source, clock, metrics } = this.#options;
    const look = async (): Promise<void> => {
      const outside = await source.lag().catch(() => undefined);
      if (outside !== undefined) metrics.ingestLag.set({ source: source.name }, outside);
      if (this.#cancelLag !== undefined) this.#cancelLag = clock.after(lagPeriodMs, look);
    };
    this.#cancelLag = clock.after(0, look);
  }
}

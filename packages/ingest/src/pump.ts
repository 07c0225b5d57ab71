import {
  asFanfareError,
  asRuled,
  type Broker,
  type Channel,
  type Clock,
  type Draft,
  FanfareError,
  type Retention,
} from "@fanfare/domain";
import type { Log, Metrics } from "@fanfare/telemetry";
import { Lane, type Verdict } from "./lane.ts";
import { Pauses } from "./pauses.ts";
import type { Delivery, Intake, Source } from "./source.ts";

export interface PumpOptions {
  readonly source: Source;
  readonly broker: Pick<Broker, "publish">;
  /** What the rules say of what is stored in a channel. */
  readonly rules: (channel: Channel) => { readonly retain: Retention; readonly trace: boolean };
  readonly metrics: Metrics;
  readonly log: Log;
  readonly clock: Clock;
  /** Messages that are held at most, waiting to be stored. */
  readonly heldMax?: number;
  /** Publications of one channel that are on their way at once. With 1 nothing ever changes its order. */
  readonly width?: number;
}

interface Job {
  readonly draft: Draft;
  readonly delivery: Delivery;
  attempts: number;
}

const heldMaxDefault = 1_000;
const widthDefault = 64;
/** How long after a failure messages go one by one. */
const carefulMs = 30_000;
/** The pause before a publication is tried again grows from the first to the last. */
const retryMs = { first: 50, last: 1_000 };
/** What breaks on our side this often in a row will go on to: it must not hold up everything behind it. */
const bugAttemptsMax = 5;
const poisonLogMs = 60_000;
const lagPeriodMs = 5_000;

/**
 * Publishes what a source takes in and ends each message when its fate is known.
 *
 * Order: messages of one channel are published in the order they were handed over, some of them on their way at once.
 * A broker that goes away has stored the first few of those and none behind them, so that repeating the others in their
 * order keeps it. After any failure messages go one by one for {@link carefulMs}: a broker at the edge of its memory may
 * refuse one and take the next, and only those on their way when that begins can change places. Different channels do
 * not wait for each other.
 * While the broker is away: each message is tried again under its id until it is stored, and once {@link PumpOptions.heldMax}
 * are held the source is held back.
 */
export class Pump {
  readonly #options: PumpOptions;
  readonly #heldMax: number;
  readonly #lanes = new Map<Channel, Lane<Job>>();
  /** Channels whose messages nobody can store at the moment. */
  readonly #failing = new Set<Channel>();
  readonly #waitingForRoom: (() => void)[] = [];
  readonly #pauses: Pauses;
  #held = 0;
  #whenEmpty: (() => void)[] = [];
  #abandoned = false;
  #carefulUntil = Number.NEGATIVE_INFINITY;
  #isPaused = false;
  #blockedSince = 0;
  #poisonUnsaid = 0;
  #poisonSaidAt = Number.NEGATIVE_INFINITY;
  #cancelLag: (() => void) | undefined;

  constructor(options: PumpOptions) {
    this.#options = options;
    this.#pauses = new Pauses(options.clock);
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
    const lane = this.#lanes.get(channel) ?? this.#newLane(channel);
    lane.add({ draft, delivery, attempts: 0 });
  }

  #newLane(channel: Channel): Lane<Job> {
    const { clock, width = widthDefault } = this.#options;
    const lane = new Lane<Job>({
      attempt: (job) => this.#attempt(job),
      width: () => (clock.monotonic() < this.#carefulUntil ? 1 : width),
      pause: (pauses) => this.#pause(Math.min(retryMs.last, retryMs.first * 2 ** (pauses - 1))),
      onIdle: () => this.#lanes.delete(channel),
    });
    this.#lanes.set(channel, lane);
    return lane;
  }

  async #attempt(job: Job): Promise<Verdict> {
    const { broker, rules, source, metrics } = this.#options;
    const { draft, delivery } = job;
    if (this.#abandoned) return "ended";
    job.attempts += 1;
    try {
      const ruled = rules(draft.channel);
      const { kind } = await broker.publish(asRuled(draft, ruled), ruled.retain);
      this.#unblocked(draft.channel);
      if (kind === "conflict") await this.#refuse(delivery, new FanfareError("ID_CONFLICT"));
      else {
        if (kind === "stored") metrics.ingestPublished.inc({ source: source.name });
        else metrics.ingestDuplicates.inc({ source: source.name });
        delivery.stored();
      }
    } catch (thrown) {
      const error = asFanfareError(thrown);
      const hopeless = error.band === "caller" || (error.band === "bug" && job.attempts >= bugAttemptsMax);
      if (!hopeless) {
        this.#blocked(draft.channel, error);
        return "again";
      }
      await this.#refuse(delivery, error);
    }
    this.#release();
    return "ended";
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
    for (const lane of this.#lanes.values()) lane.abandon();
    this.#pauses.cutShort();
    for (const go of [...this.#whenEmpty.splice(0), ...this.#waitingForRoom.splice(0)]) go();
  }

  async #pause(ms: number): Promise<void> {
    await this.#pauses.pause(ms);
    this.#countPaused();
  }

  #blocked(channel: Channel, error: FanfareError): void {
    const { source, clock, log } = this.#options;
    this.#carefulUntil = clock.monotonic() + carefulMs;
    this.#failing.add(channel);
    if (this.#isPaused) return;
    this.#isPaused = true;
    this.#blockedSince = clock.monotonic();
    log.warn({ source: source.name, code: error.code }, "paused: nothing can be published");
  }

  #unblocked(channel: Channel): void {
    if (!this.#failing.delete(channel) || this.#failing.size > 0) return;
    this.#countPaused();
    this.#isPaused = false;
    this.#options.log.info({ source: this.#options.source.name }, "resumed");
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

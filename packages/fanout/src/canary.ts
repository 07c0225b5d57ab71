import { type Broker, type Channel, type Clock, channelName, defaultEvent, type Payload, partitionOf } from "@fanfare/domain";

const periodMs = 5_000;
const retryMs = 1_000;
/** An announcement that takes longer than this has been lost on its way. */
const patienceMs = 2_000;
/** With nothing heard for so long the node is not ready: two canaries in a row, and the third is late. */
const silenceMs = 3 * periodMs;

const payload: Payload = { json: "null", binary: false };
/** Nobody needs yesterday's canary. */
const retain = { count: 0, seconds: 1 };

export interface CanaryParts {
  readonly broker: Pick<Broker, "publish">;
  readonly clock: Clock;
  readonly channel: Channel;
  /** Makes the node hear the canary's channel. */
  listen(channel: Channel): Promise<void>;
  /** Called when a canary comes back, with how long it took. */
  returned(tookMs: number): void;
  /** Called when a canary was stored and announced, and was not heard. */
  lost(): void;
}

/** The canary's channel for a node and a partition: the first of its numbered names that lives there. */
export function canaryChannel(node: string, partition: number, partitions: number): Channel {
  for (let number = 0; ; number++) {
    const channel = channelName(`fanfare:canary:${node}:${number}`);
    if (partitionOf(channel, partitions) === partition) return channel;
  }
}

/**
 * A publication to this node's own channel, every few seconds, by the way that all publications take. While it comes back,
 * the broker stores, the link carries and the lane delivers; anything less than that is not health.
 */
export class Canary {
  readonly #parts: CanaryParts;
  #heardAtMs: number | undefined;
  /** Of the one that is under way. */
  #sentAtMs: number | undefined;
  #callOff: () => void = () => undefined;
  #stopped = false;

  constructor(parts: CanaryParts) {
    this.#parts = parts;
    void this.#start();
  }

  /** To be told of every canary that comes back. */
  heard(): void {
    const { clock, returned } = this.#parts;
    this.#heardAtMs = clock.monotonic();
    if (this.#sentAtMs !== undefined) returned(this.#heardAtMs - this.#sentAtMs);
    this.#sentAtMs = undefined;
  }

  /** How long ago the last one came back, undefined before the first. */
  get ageMs(): number | undefined {
    return this.#heardAtMs === undefined ? undefined : this.#parts.clock.monotonic() - this.#heardAtMs;
  }

  get alive(): boolean {
    return this.ageMs !== undefined && this.ageMs < silenceMs;
  }

  stop(): void {
    this.#stopped = true;
    this.#callOff();
  }

  async #start(): Promise<void> {
    try {
      await this.#parts.listen(this.#parts.channel);
      await this.#round();
    } catch {
      this.#after(retryMs, () => void this.#start());
    }
  }

  async #round(): Promise<void> {
    const { broker, clock, channel, lost } = this.#parts;
    const sentAtMs = clock.monotonic();
    this.#sentAtMs = sentAtMs;
    try {
      await broker.publish({ channel, event: defaultEvent, payload }, retain);
      this.#after(patienceMs, () => {
        if (this.#heardAtMs === undefined || this.#heardAtMs < sentAtMs) lost();
        this.#after(periodMs - patienceMs, () => void this.#round());
      });
    } catch {
      // The broker is away, which its own link says; more canaries find out sooner when it is back.
      this.#after(retryMs, () => void this.#round());
    }
  }

  #after(ms: number, task: () => void): void {
    if (!this.#stopped) this.#callOff = this.#parts.clock.after(ms, task);
  }
}

import type { Clock } from "@fanfare/domain";
import type { RedisCommands } from "./redis-commands.ts";

const leaseMs = 5_000;
const renewAfterMs = 1_500;

/**
 * Chooses one of several workers: who holds the key. Checked before work, not during it: a worker that was frozen and
 * lost its lease may go on with what it has in hand for a moment. That is harmless where publications carry the same
 * ids whoever makes them: both go through the same messages in the same order, and each is stored at its first time.
 */
export class RedisLease {
  readonly #commands: RedisCommands;
  readonly #key: string;
  readonly #worker: string;
  readonly #clock: Clock;
  #heldUntil = Number.NEGATIVE_INFINITY;
  #renewAt = Number.NEGATIVE_INFINITY;

  constructor(commands: RedisCommands, key: string, worker: string, clock: Clock) {
    this.#commands = commands;
    this.#key = key;
    this.#worker = worker;
    this.#clock = clock;
  }

  /** Whether it is known to be ours now, without asking. */
  get held(): boolean {
    return this.#clock.monotonic() < this.#heldUntil;
  }

  /** Takes or renews it when that is due, and answers whether it is ours. Rejects while Redis is away. */
  async hold(): Promise<boolean> {
    const now = this.#clock.monotonic();
    if (this.held && now < this.#renewAt) return true;
    const ours = (await this.#take()) || (await this.#renew());
    this.#heldUntil = ours ? now + leaseMs : Number.NEGATIVE_INFINITY;
    this.#renewAt = now + renewAfterMs;
    return ours;
  }

  /** Lets another worker have it at once. */
  async release(): Promise<void> {
    if (!this.held) return;
    this.#heldUntil = Number.NEGATIVE_INFINITY;
    if ((await this.#holder()) === this.#worker) await this.#commands.run((client) => client.del(this.#key));
  }

  async #take(): Promise<boolean> {
    return (await this.#commands.run((client) => client.set(this.#key, this.#worker, "PX", leaseMs, "NX"))) === "OK";
  }

  async #renew(): Promise<boolean> {
    if ((await this.#holder()) !== this.#worker) return false;
    return (await this.#commands.run((client) => client.pexpire(this.#key, leaseMs))) === 1;
  }

  #holder(): Promise<string | null> {
    return this.#commands.run((client) => client.get(this.#key));
  }
}

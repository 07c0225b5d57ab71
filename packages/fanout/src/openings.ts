import { type Broker, type Channel, FanfareError } from "@fanfare/domain";
import type { Delivered } from "./continuity.ts";

/** Channels of one question. */
const batchSize = 500;

interface Opening {
  readonly channel: Channel;
  resolve(top: Delivered): void;
  reject(reason: unknown): void;
}

/**
 * Asks the broker where channels stand. What is asked in one turn is one question: a node that thousands of clients come to
 * at once opens thousands of channels, and their subscriptions are confirmed in heaps.
 */
export class Openings {
  readonly #broker: Pick<Broker, "open">;
  #waiting: Opening[] = [];

  constructor(broker: Pick<Broker, "open">) {
    this.#broker = broker;
  }

  /** Rejects with `BROKER_UNAVAILABLE`. The question is put after the call. */
  open(channel: Channel): Promise<Delivered> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.length === 0) queueMicrotask(() => this.#askAll());
      this.#waiting.push({ channel, resolve, reject });
    });
  }

  #askAll(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (let at = 0; at < waiting.length; at += batchSize) void this.#ask(waiting.slice(at, at + batchSize));
  }

  async #ask(openings: readonly Opening[]): Promise<void> {
    try {
      const tops = await this.#broker.open(openings.map(({ channel }) => channel));
      openings.forEach(({ resolve, reject }, index) => {
        const top = tops[index];
        if (top === undefined) reject(new FanfareError("BROKER_UNAVAILABLE"));
        else resolve(top);
      });
    } catch (reason) {
      for (const { reject } of openings) reject(reason);
    }
  }
}

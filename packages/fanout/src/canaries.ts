import type { Broker, Channel, Clock } from "@fanfare/domain";
import { Canary, canaryChannel } from "./canary.ts";

export interface CanariesParts {
  readonly broker: Pick<Broker, "publish" | "partitions">;
  readonly clock: Clock;
  readonly node: string;
  listen(channel: Channel): Promise<void>;
  returned(tookMs: number): void;
  lost(partition: number): void;
}

/** One canary per partition: each is another way that publications take. */
export class Canaries {
  readonly #byChannel = new Map<Channel, Canary>();

  constructor({ broker, clock, node, listen, returned, lost }: CanariesParts) {
    for (let partition = 0; partition < broker.partitions; partition++) {
      const channel = canaryChannel(node, partition, broker.partitions);
      const canary = new Canary({ broker, clock, channel, listen, returned, lost: () => lost(partition) });
      this.#byChannel.set(channel, canary);
    }
  }

  heard(channel: Channel): void {
    this.#byChannel.get(channel)?.heard();
  }

  get alive(): boolean {
    return [...this.#byChannel.values()].every(({ alive }) => alive);
  }

  /** Of the one that was heard longest ago, undefined while one has never been. */
  get ageMs(): number | undefined {
    let oldest: number | undefined = 0;
    for (const { ageMs } of this.#byChannel.values()) {
      oldest = oldest === undefined || ageMs === undefined ? undefined : Math.max(oldest, ageMs);
    }
    return oldest;
  }

  stop(): void {
    for (const canary of this.#byChannel.values()) canary.stop();
  }
}

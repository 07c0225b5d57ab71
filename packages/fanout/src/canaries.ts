import type { Broker, Channel, Clock } from "@fanfare/domain";
import { Canary, canaryChannel } from "./canary.ts";

export interface CanariesParts {
  readonly broker: Pick<Broker, "publish" | "partitions">;
  readonly clock: Clock;
  readonly node: string;
  listen(channel: Channel): Promise<void>;
  lost(partition: number): void;
}

/** One canary per partition: each is another way that publications take. */
export class Canaries {
  readonly #byChannel = new Map<Channel, Canary>();

  constructor({ broker, clock, node, listen, lost }: CanariesParts) {
    for (let partition = 0; partition < broker.partitions; partition++) {
      const channel = canaryChannel(node, partition, broker.partitions);
      const canary = new Canary({ broker, clock, channel, listen, lost: () => lost(partition) });
      this.#byChannel.set(channel, canary);
    }
  }

  heard(channel: Channel): void {
    this.#byChannel.get(channel)?.heard();
  }

  get alive(): boolean {
    return [...this.#byChannel.values()].every(({ alive }) => alive);
  }

  stop(): void {
    for (const canary of this.#byChannel.values()) canary.stop();
  }
}

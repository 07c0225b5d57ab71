import { FanfareError } from "@fanfare/domain";
import type { Commands } from "./commands.ts";
import { partitionsKey } from "./keys.ts";
import type { Log } from "./log.ts";

/**
 * The agreement of all nodes of a cluster on the number of its partitions. With another number a node would look for most
 * channels where nobody else does, and start their logs anew there.
 *
 * It is asked for again with every connection: what is behind a new one may be another Redis, or one that lost its data.
 */
export class PartitionCount {
  readonly #cluster: string;
  readonly #commands: Commands;
  readonly #count: number;
  readonly #log: Log;
  /** The connection on which it was found to be agreed. */
  #agreedOn = 0;
  #asking: Promise<void> | undefined;

  /** `commands` leads to the partition of the directory. */
  constructor(cluster: string, commands: Commands, count: number, log: Log) {
    this.#cluster = cluster;
    this.#commands = commands;
    this.#count = count;
    this.#log = log;
  }

  /** Rejects with `SETTINGS_INVALID` when the cluster uses another number, with `BROKER_UNAVAILABLE` when it cannot tell. */
  async check(): Promise<void> {
    if (this.#agreedOn !== 0 && this.#agreedOn === this.#commands.connection) return;
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined;
    });
    await this.#asking;
  }

  async #ask(): Promise<void> {
    const key = partitionsKey(this.#cluster);
    const [connection, agreed] = await this.#commands.run(async (client) => {
      const { connection } = this.#commands;
      // Whoever comes first decides. Two commands, because SET knows NX together with GET only since Redis 7.
      const [, found] = await Promise.all([client.set(key, this.#count, "NX"), client.get(key)]);
      return [connection, Number(found)] as const;
    });
    if (agreed === this.#count) {
      this.#agreedOn = connection;
      return;
    }
    this.#log.warn({ agreed, ours: this.#count }, "the cluster has another number of partitions");
    throw new FanfareError("SETTINGS_INVALID", {
      detail: `This cluster has ${agreed} partitions, but this node's Redis URL says ${this.#count}: say ?partitions=${agreed}.`,
    });
  }
}

import type { Channel, Directory, NodeRecord } from "@fanfare/domain";
import type { Commands } from "./commands.ts";
import { nodeKey, nodesKey } from "./keys.ts";
import { type Argument, scripts } from "./scripts.ts";

/** Counts written by one script, so that Redis is never busy with it for more than a millisecond or two. */
const countsMax = 1_000;
/** Cannot be a channel, because no channel contains a brace. */
const recordField = "{record}";

/** {@link Directory} on Redis: one hash per node, which lives as long as the node's lease. */
export class RedisDirectory implements Directory {
  readonly #cluster: string;
  readonly #commands: Commands;

  constructor(cluster: string, commands: Commands) {
    this.#cluster = cluster;
    this.#commands = commands;
  }

  async renew(record: NodeRecord, changed: ReadonlyMap<Channel, number>, leaseMs: number): Promise<"renewed" | "new"> {
    const counts = [...changed];
    let renewed = true;
    // At least once, also without any change.
    for (let at = 0; at === 0 || at < counts.length; at += countsMax) {
      const batch: Argument[] = counts.slice(at, at + countsMax).flat();
      // A lease that ends between two batches is a new one as well: the counts of the first are gone with it.
      const had = await this.#commands.run((client) =>
        scripts.lease.run(client, {
          keys: { node: nodeKey(this.#cluster, record.node), nodes: nodesKey(this.#cluster) },
          args: { name: record.node, record: JSON.stringify(record), lease: leaseMs },
          moreArgs: batch,
        }),
      );
      // The first batch of a new lease makes the lease that the second one finds.
      renewed &&= had === 1;
    }
    return renewed ? "renewed" : "new";
  }

  async leave(node: string): Promise<void> {
    // In this order: a name without its hash is no node, and the next renewal of another removes it.
    await this.#commands.run((client) => client.unlink(nodeKey(this.#cluster, node)));
    await this.#commands.run((client) => client.zrem(nodesKey(this.#cluster), node));
  }

  async nodes(): Promise<NodeRecord[]> {
    const records = await this.#ofEveryNode(recordField);
    return records.map((text) => JSON.parse(text) as NodeRecord).sort((a, b) => (a.node < b.node ? -1 : 1));
  }

  async subscribers(channel: Channel): Promise<number> {
    const counts = await this.#ofEveryNode(channel);
    return counts.reduce((sum, count) => sum + Number(count), 0);
  }

  /** One field of every running lease's hash. The index may name nodes whose lease has ended: they have no hash. */
  async #ofEveryNode(field: string): Promise<string[]> {
    const names = await this.#commands.run((client) => client.zrange(nodesKey(this.#cluster), 0, "-1"));
    const values = await Promise.all(
      names.map((name) => this.#commands.run((client) => client.hget(nodeKey(this.#cluster, name), field))),
    );
    return values.filter((value) => value !== null);
  }
}

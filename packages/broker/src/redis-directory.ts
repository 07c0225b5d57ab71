import type { Directory, NodeRecord } from "@fanfare/domain";
import type { Commands } from "./commands.ts";
import { nodeKey, nodesKey } from "./keys.ts";
import { scripts } from "./scripts.ts";
import { isNumber, isText, isUrl, storedJson } from "./stored-json.ts";

/** Without these others cannot reach it; an address that is none would be found out in the middle of a request. */
const nodeShape = { node: isText, peerUrl: isUrl, sidPrefix: isText, startedAt: isNumber, connections: isNumber, state: isText };

/** {@link Directory} on Redis: one record per node, which lives as long as the node's lease. */
export class RedisDirectory implements Directory {
  readonly #cluster: string;
  readonly #commands: Commands;

  constructor(cluster: string, commands: Commands) {
    this.#cluster = cluster;
    this.#commands = commands;
  }

  async renew(record: NodeRecord, leaseMs: number): Promise<void> {
    const keys = { node: nodeKey(this.#cluster, record.node), nodes: nodesKey(this.#cluster) };
    const args = { name: record.node, record: JSON.stringify(record), lease: leaseMs };
    await this.#commands.run((client) => scripts.lease.run(client, { keys, args }));
  }

  async leave(node: string): Promise<void> {
    // In this order: a name without its record is no node, and the next renewal of another removes it.
    await this.#commands.run((client) => client.unlink(nodeKey(this.#cluster, node)));
    await this.#commands.run((client) => client.zrem(nodesKey(this.#cluster), node));
  }

  async nodes(): Promise<NodeRecord[]> {
    const names = await this.#commands.run((client) => client.zrange(nodesKey(this.#cluster), 0, "-1"));
    // The index may name nodes whose lease has ended: they have no record.
    const records = await Promise.all(
      names.map((name) => this.#commands.run((client) => client.get(nodeKey(this.#cluster, name)))),
    );
    return records
      .flatMap((text) => (text === null ? [] : (storedJson<NodeRecord>(text, nodeShape, this.#commands) ?? [])))
      .sort((a, b) => (a.node < b.node ? -1 : 1));
  }
}

import type { Quotas } from "@fanfare/domain";
import type { Commands } from "./commands.ts";
import { quotaKey } from "./keys.ts";
import { scripts } from "./scripts.ts";

/** Keys of one script, so that Redis is never busy with it for more than a millisecond or two. */
const keysMax = 200;

/** {@link Quotas} on Redis: one hash per key, with a field for each node. */
export class RedisQuotas implements Quotas {
  readonly #cluster: string;
  readonly #commands: Commands;

  constructor(cluster: string, commands: Commands) {
    this.#cluster = cluster;
    this.#commands = commands;
  }

  async hold(
    node: string,
    kind: string,
    wants: ReadonlyMap<string, number>,
    max: number,
    lifeMs: number,
  ): Promise<Map<string, number>> {
    const wanted = [...wants];
    const granted = new Map<string, number>();
    for (let at = 0; at < wanted.length; at += keysMax) {
      const some = wanted.slice(at, at + keysMax);
      const held = (await this.#commands.run((client) =>
        scripts.quota.run(client, {
          keys: {},
          moreKeys: some.map(([key]) => quotaKey(this.#cluster, kind, key)),
          args: { node, max, life: lifeMs },
          moreArgs: some.map(([, units]) => units),
        }),
      )) as number[];
      for (const [index, [key]] of some.entries()) granted.set(key, held[index] ?? 0);
    }
    return granted;
  }
}

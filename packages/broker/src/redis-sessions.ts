import type { Claimed, Ownership, SessionRecord, Sessions } from "@fanfare/domain";
import type { Commands } from "./commands.ts";
import { sessionKey } from "./keys.ts";
import { scripts } from "./scripts.ts";

/** {@link Sessions} on Redis: one hash per session. */
export class RedisSessions implements Sessions {
  readonly #cluster: string;
  readonly #commands: Commands;

  constructor(cluster: string, commands: Commands) {
    this.#cluster = cluster;
    this.#commands = commands;
  }

  async save(pid: string, record: SessionRecord, { node, turn }: Ownership, lifeMs: number): Promise<boolean> {
    const keys = { session: sessionKey(this.#cluster, pid) };
    const args = { node, turn, record: JSON.stringify(record), life: lifeMs };
    return (await this.#commands.run((client) => scripts["save-session"].run(client, { keys, args }))) === 1;
  }

  async claim(pid: string, node: string, lifeMs: number): Promise<Claimed | undefined> {
    const keys = { session: sessionKey(this.#cluster, pid) };
    const answer = await this.#commands.run((client) =>
      scripts["claim-session"].run(client, { keys, args: { node, life: lifeMs } }),
    );
    if (answer === null) return undefined;
    const [record, turn, previousNode] = answer as [string, number, string];
    return { record: JSON.parse(record) as SessionRecord, owner: { node, turn }, previousNode };
  }

  async renew(pids: readonly string[], lifeMs: number): Promise<void> {
    // Single commands, sent in one write: nothing here must be one step, and a script would hold up everybody else.
    await Promise.all(pids.map((pid) => this.#commands.run((client) => client.pexpire(sessionKey(this.#cluster, pid), lifeMs))));
  }

  async end(pid: string): Promise<void> {
    await this.#commands.run((client) => client.unlink(sessionKey(this.#cluster, pid)));
  }
}

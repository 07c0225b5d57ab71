import { type Claimed, isChannelName, type Ownership, type SessionRecord, type Sessions } from "@fanfare/domain";
import type { Commands } from "./commands.ts";
import { sessionKey } from "./keys.ts";
import { scripts } from "./scripts.ts";
import { isText, isTextOrNull, storedJson } from "./stored-json.ts";

/** A channel that is none, or a place that is none, would be met in the middle of a recovery. */
const areChannels = (value: unknown): boolean =>
  Array.isArray(value) &&
  value.every(
    (entry) =>
      Array.isArray(entry) && isChannelName(entry[0]) && isText(entry[1]?.epoch) && Number.isSafeInteger(entry[1]?.offset),
  );
const areGranted = (value: unknown): boolean => value === undefined || (Array.isArray(value) && value.every(isChannelName));
const sessionShape = { id: isText, user: isTextOrNull, channels: areChannels, granted: areGranted };

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
    const session = storedJson<SessionRecord>(record, sessionShape, this.#commands);
    return session === undefined ? undefined : { record: session, owner: { node, turn }, previousNode };
  }

  async renew(pids: readonly string[], lifeMs: number): Promise<void> {
    // Single commands, sent in one write: nothing here must be one step, and a script would hold up everybody else.
    await Promise.all(pids.map((pid) => this.#commands.run((client) => client.pexpire(sessionKey(this.#cluster, pid), lifeMs))));
  }

  async end(pid: string): Promise<void> {
    await this.#commands.run((client) => client.unlink(sessionKey(this.#cluster, pid)));
  }
}

import { randomBytes } from "node:crypto";
import { FanfareError, limits, type Revocation, type RevocationState, type Revocations } from "@fanfare/domain";
import type { Commands } from "./commands.ts";
import { revocationEndsKey, revocationStateKey, revocationTextsKey } from "./keys.ts";
import { scripts } from "./scripts.ts";
import { isNumber, isText, storedJson } from "./stored-json.ts";

const revocationShape = { id: isText, at: isNumber, endsAt: isNumber };

/** {@link Revocations} on Redis: one list for the cluster. */
export class RedisRevocations implements Revocations {
  readonly #commands: Commands;
  readonly #ends: string;
  readonly #texts: string;
  readonly #state: string;

  constructor(cluster: string, commands: Commands) {
    this.#commands = commands;
    this.#ends = revocationEndsKey(cluster);
    this.#texts = revocationTextsKey(cluster);
    this.#state = revocationStateKey(cluster);
  }

  async add(revocation: Revocation): Promise<void> {
    const { id, endsAt: end } = revocation;
    const keys = { ends: this.#ends, texts: this.#texts, state: this.#state };
    const life = randomBytes(9).toString("base64url");
    const args = { id, text: JSON.stringify(revocation), end, life, max: limits.revocationsMax };
    const added = await this.#commands.run((client) => scripts.revoke.run(client, { keys, args }));
    if (added !== 1) throw new FanfareError("REVOCATIONS_EXCEEDED");
  }

  async remove(id: string): Promise<boolean> {
    const keys = { ends: this.#ends, texts: this.#texts, state: this.#state };
    return (await this.#commands.run((client) => scripts.unrevoke.run(client, { keys, args: { id } }))) === 1;
  }

  async changedSince(known: string): Promise<RevocationState | undefined> {
    const keys = { texts: this.#texts, state: this.#state };
    const answer = await this.#commands.run((client) => scripts.revocations.run(client, { keys, args: { known } }));
    if (answer === null) return undefined;
    const [version, life, ...texts] = answer as [string, string, ...string[]];
    return { version, life, items: texts.flatMap((text) => storedJson<Revocation>(text, revocationShape, this.#commands) ?? []) };
  }
}

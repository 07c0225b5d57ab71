import type { Channel } from "@fanfare/domain";
import type { EffectiveRules } from "./effective-rules.ts";
import type { Rules } from "./rules.ts";

/** Rules that are replaced as a whole while everybody holds on to them. */
export class LiveRules implements Rules {
  #current: Rules;
  #revision = 0;
  readonly #listeners: (() => void)[] = [];

  constructor(rules: Rules) {
    this.#current = rules;
  }

  get revision(): number {
    return this.#revision;
  }

  of(channel: Channel): EffectiveRules {
    return this.#current.of(channel);
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  replace(rules: Rules): void {
    this.#current = rules;
    this.#revision++;
    for (const listener of this.#listeners) listener();
  }
}

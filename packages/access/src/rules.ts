import { type Channel, FanfareError, namespaceOf, type RulesFile } from "@fanfare/domain";
import { closed, type EffectiveRules, fill, ownChannel } from "./effective-rules.ts";
import { rulesMistakes } from "./rules-mistakes.ts";

/** Which channels may do what. */
export interface Rules {
  /** The rules of a channel: its own, else its namespace's, else those of `default`. */
  of(channel: Channel): EffectiveRules;
  /** Goes up with every change: what was allowed under another one may no longer be. */
  readonly revision: number;
  /** Calls `listener` after every change. */
  onChange(listener: () => void): void;
}

const userPrefix = "user:";

/** Rules from the parsed content of a rules file. Throws `RULES_INVALID` with all mistakes at once. */
export function parseRules(value: unknown): Rules {
  const errors = rulesMistakes(value);
  if (errors.length > 0) throw new FanfareError("RULES_INVALID", { errors });
  const { channels = {}, namespaces = {} } = value as RulesFile;

  // Maps, filled from own members only: a channel `__proto__:x` or `constructor:x` finds nothing that nobody wrote.
  const byChannel = new Map(
    Object.entries(channels).map(([name, rules]) => [name, fill(rules, name.startsWith(userPrefix) ? ownChannel : closed)]),
  );
  const byNamespace = new Map(
    Object.entries(namespaces).map(([name, rules]) => [name, fill(rules, name === "user" ? ownChannel : closed)]),
  );
  const fallback = byNamespace.get("default") ?? closed;
  const ofUsers = byNamespace.get("user") ?? ownChannel;

  return {
    revision: 0,
    onChange: () => undefined,
    of(channel) {
      const own = byChannel.get(channel);
      if (own !== undefined) return own;
      // Users' own channels never fall to `default`: opening that must not open everybody's mail.
      if (channel.startsWith(userPrefix)) return ofUsers;
      return byNamespace.get(namespaceOf(channel)) ?? fallback;
    },
  };
}

import { type Audience, limits, type NamespaceRules, type Retention, type SubscriberAudience } from "@fanfare/domain";

/**
 * Who may, once the rules file and the defaults are put together. `owner` is the user whose own channel it is; only the
 * built-in rules of `user:` channels name it.
 */
export type EffectiveAudience = SubscriberAudience | "owner";

/** What holds for one channel. */
export interface EffectiveRules {
  readonly subscribe: Audience | "owner";
  readonly publish: EffectiveAudience;
  readonly presence: EffectiveAudience;
  readonly history: EffectiveAudience;
  readonly retain: Retention;
  /** Bytes of `data` that a client may publish. Backends have a limit of their own. */
  readonly payloadBytesMax: number;
  /** Names of events that a client may publish; undefined: any. */
  readonly events: ReadonlySet<string> | undefined;
  /** Whether subscribers are told who comes and goes. */
  readonly joinLeave: boolean;
  /** Whether publications keep their trace context, for subscribers and history. */
  readonly trace: boolean;
  /** What happens to a subscriber that reads too slowly. */
  readonly slow: "disconnect" | "latest" | "catchup";
}

/** What holds where no rule says anything: nothing is allowed. */
export const closed: EffectiveRules = {
  subscribe: "nobody",
  publish: "nobody",
  presence: "nobody",
  history: "nobody",
  retain: { count: 1_000, seconds: 600 },
  payloadBytesMax: limits.bodyBytesMax,
  events: undefined,
  joinLeave: false,
  trace: false,
  slow: "disconnect",
};

/** What holds for `user:<id>` where no rule says otherwise: the user may hear it, now and afterwards. */
export const ownChannel: EffectiveRules = { ...closed, subscribe: "owner", history: "owner" };

/** Fills what the rules leave out. */
export function fill({ events, ...rules }: NamespaceRules, base: EffectiveRules): EffectiveRules {
  const named = events === undefined ? base.events : new Set(events);
  return { ...base, ...rules, retain: { ...base.retain, ...rules.retain }, events: named };
}

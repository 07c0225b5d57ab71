import { type LifecycleEvent, lifecycleTypes } from "@fanfare/domain";
import { fieldError } from "./problem.ts";

export interface LifecycleFilter {
  /** Undefined: all. */
  readonly types?: ReadonlySet<string> | undefined;
  /** A channel, or with a `*` at its end all that begin so. */
  readonly channel?: string | undefined;
  readonly user?: string | undefined;
}

/** Throws `REQUEST_INVALID` for a name that is none. `more`: names beside those of the log. */
export function typesOf(text: string | undefined, more: readonly string[] = []): ReadonlySet<string> | undefined {
  if (text === undefined) return undefined;
  const names = text.split(",");
  const known = [...lifecycleTypes, ...more];
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) throw fieldError("/types", `has ${unknown}, which is none of ${known.join(", ")}`);
  return new Set(names);
}

export function passes({ type, channel, user }: LifecycleEvent, filter: LifecycleFilter): boolean {
  if (filter.types !== undefined && !filter.types.has(type)) return false;
  if (filter.user !== undefined && user !== filter.user) return false;
  if (filter.channel === undefined) return true;
  if (channel === undefined) return false;
  return filter.channel.endsWith("*") ? channel.startsWith(filter.channel.slice(0, -1)) : channel === filter.channel;
}

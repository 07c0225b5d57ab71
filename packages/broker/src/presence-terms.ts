import type { PresenceMember } from "@fanfare/domain";

/* What memory and Redis have in common about members. */

/** How long the version of an empty channel is remembered: longer than any subscriber waits for the next member. */
export const emptyLifeMs = 3_600_000;

/** How long nobody else is told of a lost owner. Sweeping twenty thousand members takes a second. */
export const claimMs = 5_000;

/** A member's JSON without its closing brace and what comes last. lua/presence-apply.lua puts that behind it. */
export function openText({ id, user, info }: PresenceMember): string {
  return JSON.stringify({ id, user, info: info ?? null }).slice(0, -1);
}

export function byId(a: PresenceMember, b: PresenceMember): number {
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}

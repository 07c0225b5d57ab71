import { createHash } from "node:crypto";
import type { Plan, Scheduled } from "@fanfare/domain";

/** What lists show of a plan. */
export function aboutOf({ at, channels, content: { event, id, payload } }: Plan): Omit<Scheduled, "scheduledId"> {
  return { at, channels, event, ...(id === undefined ? {} : { id }), bytes: Buffer.byteLength(payload.json) };
}

/** What two plans with the same id have in common exactly when they say the same. The text has one order of members. */
export function planFingerprint(planText: string): string {
  return createHash("sha256").update(planText).digest().toString("base64url", 0, 16);
}

/** The plan as text: the same for plans that say the same. */
export function planText({ at, channels, content }: Plan): string {
  const { event, payload, id, except, ttlSeconds } = content;
  const { json, binary } = payload;
  return JSON.stringify({ at, channels, content: { event, payload: { json, binary }, id, except, ttlSeconds } });
}

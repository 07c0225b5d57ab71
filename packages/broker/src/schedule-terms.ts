import { createHash } from "node:crypto";
import type { Plan, Scheduled } from "@fanfare/domain";

/** What lists show of a plan. */
export function aboutOf({ at, channels, content: { event, id, payload } }: Plan): Omit<Scheduled, "scheduledId"> {
  return { at, channels, event, ...(id === undefined ? {} : { id }), bytes: Buffer.byteLength(payload.json) };
}

/** What two plans with the same id have in common exactly when they say the same: their text without what is no content. */
export function planFingerprint({ content: { traceparent: _, ...content }, ...plan }: Plan): string {
  return createHash("sha256")
    .update(planText({ ...plan, content }))
    .digest()
    .toString("base64url", 0, 16);
}

/** The plan as text, with its members in one order. */
export function planText({ at, channels, content }: Plan): string {
  const { event, payload, id, except, ttlSeconds, traceparent } = content;
  const { json, binary } = payload;
  return JSON.stringify({ at, channels, content: { event, payload: { json, binary }, id, except, ttlSeconds, traceparent } });
}

import { channelName, limits, type Plan, ScheduleToMany, ScheduleToOne, validator } from "@fanfare/domain";
import { contentOf, type FromHeaders } from "./drafts.ts";
import { fieldError } from "./problem.ts";

const toOne = validator(ScheduleToOne);
const toMany = validator(ScheduleToMany);

/** A time this little past is one of a clock that differs, and due at once. What is further past is a mistake. */
const skewMs = 60_000;
const aheadMaxMs = limits.scheduledAheadDays * 86_400_000;

/** Whether a publish body asks for a later time. */
export function isPlan(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.hasOwn(value, "at");
}

/** Reads a publish body with `at`, as `draftsOf` does one without. Throws an error of the band `caller`. */
export function planOf(value: unknown, text: string, nowMs: number, headers: FromHeaders = {}): Plan {
  const many = Object.hasOwn(value as object, "channels");
  const body = many ? toMany(value) : toOne(value);
  const channels = "channels" in body ? body.channels : [body.channel];
  return { at: timeOf(body.at, nowMs), channels: channels.map(channelName), content: contentOf(body, text, headers) };
}

function timeOf(at: number | string, nowMs: number): number {
  const time = typeof at === "number" ? at : Date.parse(at);
  if (Number.isNaN(time)) throw fieldError("/at", "is no date that exists");
  if (time < nowMs - skewMs) throw fieldError("/at", "is past; numbers are in milliseconds since 1970");
  if (time > nowMs + aheadMaxMs) throw fieldError("/at", `is more than ${limits.scheduledAheadDays} days ahead`);
  return time;
}

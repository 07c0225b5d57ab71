import {
  channelName,
  type Draft,
  defaultEvent,
  eventName,
  FanfareError,
  limits,
  memberText,
  parseJson,
  payloadOf,
  publicationId,
  type TraceParent,
} from "@fanfare/domain";

/** What a message says, as far as its source could read it. */
export interface Said {
  readonly channel: string;
  /** Absent: `message`. */
  readonly event?: string | undefined;
  readonly id: string;
  /** The payload, as the text that it came as. */
  readonly json: string;
  /** How long it may be replayed, in seconds. */
  readonly ttlSeconds?: number | undefined;
  readonly traceparent?: TraceParent | undefined;
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The text of a frame or a body. Throws `JSON_INVALID`, or `PAYLOAD_TOO_LARGE` above what REST takes too. */
export function textOf(bytes: Uint8Array): string {
  if (bytes.length > limits.bodyBytesMax) throw new FanfareError("PAYLOAD_TOO_LARGE");
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw new FanfareError("JSON_INVALID", { cause });
  }
}

/** The publication that a message stands for. Throws an error of the band `caller`: such a message is poison. */
export function draftOf({ channel, event, id, json, ttlSeconds, traceparent }: Said): Draft {
  return {
    channel: channelName(channel),
    event: event === undefined ? defaultEvent : eventName(event),
    id: publicationId(id),
    payload: payloadOf(parseJson(json), json),
    ttlSeconds: ttlSeconds === undefined ? undefined : ttl(ttlSeconds),
    traceparent,
  };
}

/** As {@link draftOf} for `{"channel":…,"event":…,"id":…,"data":…}`; what the envelope lacks is taken from `fallback`. */
export function draftOfEnvelope(json: string, fallback: { readonly channel?: string; readonly id: string }): Draft {
  const value = parseJson(json);
  if (!isRecord(value) || !Object.hasOwn(value, "data")) throw shape("/data", "is missing");
  const channel = textMember(value, "channel") ?? fallback.channel;
  if (channel === undefined) throw shape("/channel", "is missing");
  const event = textMember(value, "event");
  const id = textMember(value, "id") ?? fallback.id;
  // The very text of the member: numbers of 64 bits and the order of keys survive.
  return draftOf({ channel, event, id, json: memberText(json, "data") ?? "" });
}

/** Whether a JSON value is an object with a `data` member, and so meant as an envelope. */
export function isEnvelope(value: unknown): boolean {
  return isRecord(value) && Object.hasOwn(value, "data");
}

function ttl(seconds: number): number {
  if (Number.isInteger(seconds) && seconds >= 1 && seconds <= limits.ttlSecondsMax) return seconds;
  throw shape("/ttl", `must be whole seconds from 1 to ${limits.ttlSecondsMax}`);
}

function textMember(value: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const member = Object.hasOwn(value, name) ? value[name] : undefined;
  if (member === undefined || member === null) return undefined;
  if (typeof member !== "string") throw shape(`/${name}`, "must be a text");
  return member;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function shape(path: string, message: string): FanfareError {
  return new FanfareError("REQUEST_INVALID", { errors: [{ path, message }] });
}

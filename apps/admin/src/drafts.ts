import {
  channelName,
  type Draft,
  defaultEvent,
  eventName,
  memberText,
  PublishToMany,
  PublishToOne,
  payloadOf,
  publicationId,
  type TraceParent,
  validator,
  writtenTraceParent,
} from "@fanfare/domain";
import { fieldError } from "./problem.ts";

/** What one publish body asks for: one publication each for its channels. */
export interface Drafts {
  /** Whether it named `channels`, so that the answer is a list. */
  readonly many: boolean;
  readonly drafts: readonly Draft[];
  /** Whether to wait until a replica of the broker has them too. */
  readonly durable: boolean;
  /** Whether a receipt is asked for, of each. */
  readonly receipt: boolean;
}

/** What the headers of a request say of its publications. */
export interface FromHeaders {
  readonly id?: string | undefined;
  readonly traceparent?: TraceParent | undefined;
}

/** What a request says beside its body. */
export interface DraftsOptions extends FromHeaders {
  readonly receipt?: boolean | undefined;
}

const toOne = validator(PublishToOne);
const toMany = validator(PublishToMany);

/**
 * Reads a publish body from its parsed value and the text it was parsed from: the payload is the very text of `data`.
 * Throws an error of the band `caller`.
 */
export function draftsOf(value: unknown, text: string, { receipt = false, ...headers }: DraftsOptions = {}): Drafts {
  const many = typeof value === "object" && value !== null && Object.hasOwn(value, "channels");
  const body = many ? toMany(value) : toOne(value);
  const content = contentOf(body, text, headers);
  const channels = "channels" in body ? body.channels : [body.channel];
  return {
    many,
    drafts: channels.map((channel) => ({ channel: channelName(channel), ...content })),
    durable: body.durable ?? false,
    receipt,
  };
}

/** What a body that fits its schema says beside where to and when. */
export function contentOf(
  body: Pick<PublishToOne, "data" | "event" | "id" | "except" | "ttl" | "traceparent">,
  text: string,
  headers: FromHeaders,
): Omit<Draft, "channel"> {
  return {
    event: body.event === undefined ? defaultEvent : eventName(body.event),
    payload: payloadOf(body.data, memberText(text, "data") ?? ""),
    id: idOf(body.id, headers.id),
    except: typeof body.except === "string" ? [body.except] : body.except,
    ttlSeconds: body.ttl,
    // The nearer one: a batch may carry publications of many traces.
    traceparent: writtenTraceParent(body.traceparent) ?? headers.traceparent,
  };
}

/** The publication's id: the body's, or else the header's. */
function idOf(inBody: string | undefined, inHeader: string | undefined): string | undefined {
  if (inBody !== undefined && inHeader !== undefined && inBody !== inHeader) {
    throw fieldError("/id", "differs from the Idempotency-Key header");
  }
  const id = inBody ?? inHeader;
  return id === undefined ? undefined : publicationId(id);
}

import { authorizePublication } from "@fanfare/access";
import {
  asRuled,
  channelName,
  clientEvents,
  defaultEvent,
  eventName,
  FanfareError,
  limits,
  type Payload,
  payloadOfText,
  publicationId,
  validator,
  writtenTraceParent,
} from "@fanfare/domain";
import { permit } from "../permit.ts";
import type { Handler } from "./handler.ts";

const parse = validator(clientEvents.PublishRequest);

/** `{ channel, data, event?, id?, durable?, ttl?, traceparent? }` → `{ channel, epoch, offset, duplicate, replicas? }` */
export const publish: Handler = async (socket, parts, request) => {
  const { broker, rules, metrics } = parts;
  const { channel: name, data, event, id: givenId, durable, ttl, traceparent } = parse(request);
  const channel = channelName(name);
  await permit(socket, parts, "publish", channel);
  const id = givenId === undefined ? undefined : publicationId(givenId);
  const draft = {
    channel,
    event: event === undefined ? defaultEvent : eventName(event),
    payload: payloadOf(data),
    id,
    ttlSeconds: ttl,
    traceparent: writtenTraceParent(traceparent),
  };
  authorizePublication(rules, channel, draft.event, Buffer.byteLength(draft.payload.json));
  const ruled = rules.of(channel);
  const stop = metrics.publishDuration.startTimer();
  const outcome = await broker
    .publish(asRuled(draft, ruled), ruled.retain, { durable })
    .catch((thrown: unknown) => {
      metrics.publications.inc({ source: "client", outcome: "failed" });
      throw thrown;
    })
    .finally(stop);
  metrics.publications.inc({ source: "client", outcome: outcome.kind });
  if (outcome.kind === "conflict") throw new FanfareError("ID_CONFLICT");
  const { kind, position, replicas } = outcome;
  return { channel, ...position, duplicate: kind === "duplicate", ...(replicas === undefined ? {} : { replicas }) };
};

/** What the client sent, as text again: the Socket.IO parser has already turned it into values. */
function payloadOf(data: unknown): Payload {
  const bytes = binaryOf(data);
  if (bytes !== undefined) return { json: JSON.stringify({ base64: bytes.toString("base64") }), binary: true };
  if (hasBinary(data, 0)) {
    throw new FanfareError("DATA_INVALID", { detail: "A binary is published by itself, not inside other data." });
  }
  let json: string | undefined;
  try {
    json = JSON.stringify(data);
  } catch (cause) {
    throw new FanfareError("DATA_INVALID", { cause });
  }
  if (json === undefined) throw new FanfareError("DATA_INVALID");
  return payloadOfText(json);
}

function binaryOf(data: unknown): Buffer | undefined {
  if (Buffer.isBuffer(data)) return data;
  if (data instanceof ArrayBuffer) return Buffer.from(data);
  return ArrayBuffer.isView(data) ? Buffer.from(data.buffer, data.byteOffset, data.byteLength) : undefined;
}

function hasBinary(data: unknown, depth: number): boolean {
  if (typeof data !== "object" || data === null) return false;
  if (depth > limits.jsonDepthMax) throw new FanfareError("JSON_TOO_DEEP");
  return binaryOf(data) !== undefined || Object.values(data).some((value) => hasBinary(value, depth + 1));
}

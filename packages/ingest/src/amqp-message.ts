import { createHash } from "node:crypto";
import { type Draft, FanfareError, limits, traceParent } from "@fanfare/domain";
import { draftOf, textOf } from "./draft.ts";

/** What of an AMQP message counts. */
export interface AmqpMessage {
  readonly fields: { readonly exchange: string; readonly routingKey: string };
  readonly properties: {
    readonly messageId?: unknown;
    readonly contentType?: unknown;
    /** Milliseconds, as text. */
    readonly expiration?: unknown;
    readonly headers?: Readonly<Record<string, unknown>> | undefined;
  };
  readonly content: Buffer;
}

/**
 * The publication that a message stands for. Channel: header `channel`, else by the template. Event: header `event`. Id:
 * header `id`, else the message-id, else `fallbackId`. Time to live: header `ttl` in seconds, else the expiration, which
 * RabbitMQ applies to its queues and passes on as it was set. Trace: header `traceparent`, which instrumentation puts there; one
 * that is malformed is ignored. The body is JSON, or with content type application/octet-stream any bytes. Throws an error of the band `caller`.
 */
export function draftOfAmqp(message: AmqpMessage, template: string, fallbackId: () => string): Draft {
  const { exchange, routingKey } = message.fields;
  const channel =
    header(message, "channel") ?? template.replaceAll("{routing-key}", routingKey).replaceAll("{exchange}", exchange);
  const json =
    message.properties.contentType === "application/octet-stream"
      ? `{"base64":"${message.content.toString("base64")}"}`
      : textOf(message.content);
  return draftOf({
    channel,
    event: header(message, "event"),
    id: header(message, "id") ?? idIn(message) ?? fallbackId(),
    json,
    ttlSeconds: ttlIn(message),
    traceparent: traceParent(ownHeader(message, "traceparent")),
  });
}

/** The same for a message that is delivered again, and hardly for any other. */
export function fingerprintOf({ fields, properties, content }: AmqpMessage): string {
  return createHash("sha256")
    .update(JSON.stringify([fields.exchange, fields.routingKey, properties]))
    .update(content)
    .digest("base64url");
}

function ownHeader({ properties: { headers = {} } }: AmqpMessage, name: string): unknown {
  return Object.hasOwn(headers, name) ? headers[name] : undefined;
}

function header(message: AmqpMessage, name: string): string | undefined {
  const value = ownHeader(message, name);
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "string") {
    throw new FanfareError("REQUEST_INVALID", { errors: [{ path: `/headers/${name}`, message: "must be a text" }] });
  }
  return value;
}

function ttlIn(message: AmqpMessage): number | undefined {
  const inHeader = ownHeader(message, "ttl");
  const { expiration } = message.properties;
  if (inHeader !== undefined && inHeader !== null) return Number(inHeader);
  if (typeof expiration !== "string" || expiration === "") return undefined;
  return Math.min(limits.ttlSecondsMax, Math.max(1, Math.ceil(Number(expiration) / 1_000)));
}

function idIn({ properties: { messageId } }: AmqpMessage): string | undefined {
  return typeof messageId === "string" && messageId !== "" ? messageId : undefined;
}

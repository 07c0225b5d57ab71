import { FanfareError, limits } from "@fanfare/domain";
import { decode } from "notepack.io";

/** A broadcast of a stock emitter, checked. */
export interface EmitterPacket {
  /** The event's name and its arguments; binaries are Buffers. */
  readonly data: readonly [event: string, ...args: unknown[]];
  /** None: everybody. */
  readonly rooms: readonly string[];
  readonly except: readonly string[];
}

/**
 * Reads what `@socket.io/redis-emitter` and its cousins of other languages PUBLISH on `<key>#/#` and `<key>#/#<room>#`: in
 * msgpack `[uid, { type: 2, data: [event, …args], nsp }, { rooms, except, flags }]`. Throws `REQUEST_INVALID` for anything
 * else: whoever may publish to Redis may publish anything.
 */
export function readEmitterMessage(message: Buffer): EmitterPacket {
  if (message.length > limits.bodyBytesMax) throw new FanfareError("PAYLOAD_TOO_LARGE");
  const value = decoded(message);
  if (!Array.isArray(value)) throw unreadable();
  const [, packet, options] = value as readonly unknown[];
  const data: unknown = isRecord(packet) && (packet.nsp ?? "/") === "/" ? packet.data : undefined;
  if (!Array.isArray(data) || typeof data[0] !== "string") throw unreadable();
  const { rooms, except } = isRecord(options) ? options : {};
  return { data: data as [string, ...unknown[]], rooms: texts(rooms), except: texts(except) };
}

function decoded(message: Buffer): unknown {
  try {
    return decode(message) as unknown;
  } catch (cause) {
    throw new FanfareError("REQUEST_INVALID", { cause, detail: "The message is not msgpack." });
  }
}

function texts(value: unknown): readonly string[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value) || !value.every((item) => typeof item === "string")) throw unreadable();
  return value;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function unreadable(): FanfareError {
  return new FanfareError("REQUEST_INVALID", { detail: "The message is not one of a Socket.IO Redis emitter." });
}

import { eventName } from "@fanfare/domain";
import { decode } from "notepack.io";

/** What a stock adapter or emitter in the sharded wire wants delivered (socket.io-adapter 2.5, lib/cluster-adapter.ts). */
export interface ForeignBroadcast {
  /** None means everybody. */
  readonly rooms: readonly string[];
  /** The event's last argument is a string, which stock clients take for their place in the stream. */
  readonly endsInString: boolean;
}

/** `MessageType.BROADCAST` and `PacketType.EVENT` of Socket.IO's own packages. */
const broadcast = 3;
const event = 2;

/**
 * A broadcast of an event, or undefined for anything else: whoever may publish to Redis may publish anything, and the stock
 * adapter believes it. A packet that clients cannot read would make them leave; the other kinds of messages (join, leave,
 * disconnect, fetch) are requests of one stock node to another, which no part of Fanfare makes.
 */
export function parseForeign(message: Buffer): ForeignBroadcast | undefined {
  try {
    const { type, nsp, data } = record(message[0] === 0x7b ? JSON.parse(message.toString()) : decode(message));
    const { packet, opts, requestId } = record(data);
    if (type !== broadcast || nsp !== "/" || requestId !== undefined) return undefined;
    const { type: packetType, data: args } = record(packet);
    const { rooms, except = [] } = record(opts);
    if (packetType !== event || !Array.isArray(args) || !areTexts(rooms) || !areTexts(except)) return undefined;
    // Throws for names that would look like a lost connection, or like one of our notices.
    eventName(args[0]);
    return { rooms, endsInString: args.length > 1 && typeof args.at(-1) === "string" };
  } catch {
    return undefined;
  }
}

/** Throws for what is not an object, so that one `catch` answers for every missing part. */
function record(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null) throw new TypeError("not an object");
  return value as Readonly<Record<string, unknown>>;
}

function areTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

import type { Position } from "@fanfare/domain";

/** A publication as a subscriber gets it: `socket.on(event, (data, context, position) => …)`. */
export interface Received extends Position {
  readonly channel: string;
  readonly event: string;
  readonly data: unknown;
  readonly id?: string;
  /** When it was published: milliseconds since 1970. */
  readonly at: number;
}

/** Undefined for an event that is no publication. */
export function receivedOf(event: string, args: readonly unknown[]): Received | undefined {
  const [data, context] = args;
  if (typeof context !== "object" || context === null || !("channel" in context) || !("offset" in context)) return undefined;
  const { channel, offset, epoch, id, at } = context as Omit<Received, "event" | "data">;
  return { channel, event, data: printable(data), offset, epoch, ...(id === undefined ? {} : { id }), at };
}

/** A binary is shown as it is written in REST. */
function printable(data: unknown): unknown {
  if (data instanceof ArrayBuffer) return { base64: Buffer.from(data).toString("base64") };
  return data instanceof Uint8Array ? { base64: Buffer.from(data).toString("base64") } : data;
}

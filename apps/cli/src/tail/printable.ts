import type { Context, Publication } from "@fanfare/client";

/** A publication as `tail` prints it. A binary is written as it is in REST. */
export function printable(data: unknown, { channel, event, offset, epoch, id, at }: Context): Publication {
  return { channel, event, data: inJson(data), offset, epoch, ...(id === undefined ? {} : { id }), at };
}

function inJson(data: unknown): unknown {
  if (data instanceof ArrayBuffer) return { base64: Buffer.from(data).toString("base64") };
  return data instanceof Uint8Array ? { base64: Buffer.from(data).toString("base64") } : data;
}

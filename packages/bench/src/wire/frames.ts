/** WebSocket opcodes that a server may send (RFC 6455, 5.2). */
const opcode = { close: 8 } as const;

/** Gets the bounds of one text frame's payload in the buffer, which is only valid during the call. */
export type FrameTaker = (buffer: Buffer, start: number, end: number) => void;

/**
 * Reads the whole frames at the head of `buffer` and returns where the rest begins. Server frames have no mask, and without
 * extensions or messages of more than one frame there is nothing else to know. Throws when the server closes.
 */
export function readFrames(buffer: Buffer, from: number, length: number, take: FrameTaker): number {
  let at = from;
  while (at + 2 <= length) {
    const kind = (buffer[at] ?? 0) & 0x0f;
    let size = (buffer[at + 1] ?? 0) & 0x7f;
    let start = at + 2;
    if (size === 126) {
      if (at + 4 > length) break;
      size = buffer.readUInt16BE(at + 2);
      start = at + 4;
    } else if (size === 127) {
      if (at + 10 > length) break;
      size = Number(buffer.readBigUInt64BE(at + 2));
      start = at + 10;
    }
    const end = start + size;
    if (end > length) break;
    if (kind === opcode.close) throw new Error("The server closed a websocket.");
    take(buffer, start, end);
    at = end;
  }
  return at;
}

/** A text frame as a client sends it. The mask is zero: allowed, and then masking changes nothing. */
export function clientFrame(text: string): Buffer {
  const bytes = Buffer.from(text);
  if (bytes.length > 125) throw new Error("Short texts only: the load generator has nothing long to say.");
  return Buffer.concat([Buffer.from([0x81, 0x80 | bytes.length, 0, 0, 0, 0]), bytes]);
}

/** Where subscribers connect. */
export interface ListenTarget {
  readonly port: number;
  /** `plain` is a websocket on which every message is the data of a publication. */
  readonly protocol: "socket.io" | "plain";
  readonly channel: string;
}

/** What begins the frame of a publication. The number of the publication follows, see payload.ts. */
export const marker = { "socket.io": Buffer.from('42["message",{"n":'), plain: Buffer.from('{"n":') } as const;

const comma = 0x2c;
const zero = 0x30;

/** Whether the frame is a publication: only then has it a number and a time. */
export function startsWith(buffer: Buffer, start: number, end: number, head: Buffer): boolean {
  if (end - start < head.length) return false;
  // Backwards: what differs between events is at the end of the marker, not in its beginning.
  for (let index = head.length - 1; index >= 0; index--) if (buffer[start + index] !== head[index]) return false;
  return true;
}

/** The decimal number that begins at `start` and ends before a comma. */
export function numberAt(buffer: Buffer, start: number): number {
  let value = 0;
  for (let at = start, byte = buffer[at] ?? comma; byte !== comma; byte = buffer[++at] ?? comma)
    value = value * 10 + (byte - zero);
  return value;
}

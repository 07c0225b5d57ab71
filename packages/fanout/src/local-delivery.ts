import type { Namespace, Socket } from "socket.io";

/*
 * Writing to this node's own sockets. Publications are encoded once, as the text that the log and the announcement hold,
 * and handed to Engine.IO ready-made; the stock encoder would parse and print every payload again, and would lose integers
 * beyond 2^53 on the way.
 */

/** The part of socket.io's `Client` that its own adapters write through (socket.io 4.8, lib/client.ts). */
interface EngineWriter {
  writeToEngine(encodedPackets: readonly (string | Buffer)[], options: WriteOptions): void;
}

interface WriteOptions {
  readonly preEncoded: true;
  /** Handed by engine.io to `ws` as it is, for connections without compression (engine.io 6.6, transports/websocket). */
  readonly wsPreEncodedFrame?: readonly Buffer[];
}

/** One event as every receiver gets it. */
export interface EncodedEvent {
  readonly packets: readonly (string | Buffer)[];
  readonly options: WriteOptions;
}

const textEvent = "2";
const binaryEventOfOne = "51-";

/** An event whose arguments are already JSON text. */
export function encodeText(args: string): EncodedEvent {
  const packet = textEvent + args;
  return { packets: [packet], options: { preEncoded: true, wsPreEncodedFrame: [textFrame(`4${packet}`)] } };
}

/** A publication whose data is `{"base64": …}`: the Socket.IO packet with one attachment (protocol v5, "Binary event"). */
export function encodeBinary(args: string): EncodedEvent {
  const [event, data, ...rest] = JSON.parse(args) as [string, { base64: string }, ...unknown[]];
  const text = binaryEventOfOne + JSON.stringify([event, { _placeholder: true, num: 0 }, ...rest]);
  return { packets: [text, Buffer.from(data.base64, "base64")], options: { preEncoded: true } };
}

/** Writes to every socket in the room but those named. Answers how many there were. */
export function deliverToRoom(namespace: Namespace, room: string, except: readonly string[], encoded: EncodedEvent): number {
  let count = 0;
  for (const id of namespace.adapter.rooms.get(room) ?? []) {
    const socket = namespace.sockets.get(id);
    if (socket === undefined || except.includes(id)) continue;
    deliverToSocket(socket, encoded);
    count++;
  }
  return count;
}

export function deliverToSocket(socket: Socket, { packets, options }: EncodedEvent): void {
  // `client` is public in the types, its write method is not: adapters are the only ones meant to call it.
  (socket.client as unknown as EngineWriter).writeToEngine(packets, options);
}

/** A whole unmasked text frame of one fragment (RFC 6455 §5.2), so that a delivery is a single write. */
function textFrame(text: string): Buffer {
  const length = Buffer.byteLength(text);
  const headerBytes = length < 126 ? 2 : length < 65_536 ? 4 : 10;
  const frame = Buffer.allocUnsafe(headerBytes + length);
  frame[0] = 0x81;
  if (headerBytes === 2) frame[1] = length;
  else if (headerBytes === 4) {
    frame[1] = 126;
    frame.writeUInt16BE(length, 2);
  } else {
    frame[1] = 127;
    frame.writeBigUInt64BE(BigInt(length), 2);
  }
  frame.write(text, headerBytes);
  return frame;
}

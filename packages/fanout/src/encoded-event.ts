import type { WriteOptions } from "./engine-connection.ts";

/*
 * Publications are encoded once, as the text that the log and the announcement hold, and handed on ready-made; the stock
 * encoder would parse and print every payload again, and would lose integers beyond 2^53 on the way.
 */

/** One event as every receiver gets it. */
export interface EncodedEvent {
  /** The same as whole websocket frames, one behind the other: what connections without compression are written. */
  readonly frame: Buffer;
  /** The packets of Socket.IO, for every other way out. */
  readonly packets: readonly (string | Buffer)[];
  readonly options: WriteOptions;
  /** Whether only a transport that carries bytes can take {@link frame}. */
  readonly binary: boolean;
}

const textEvent = "2";
const binaryEventOfOne = "51-";
/** Opcodes of RFC 6455 §5.2, with the bit that says that the frame is the whole message. */
const textOpcode = 0x81;
const binaryOpcode = 0x82;
/** `message` of the Engine.IO protocol; a binary message has no such prefix in a websocket. */
const message = "4";

/** An event whose arguments are already JSON text. */
export function encodeText(args: string): EncodedEvent {
  const packet = textEvent + args;
  const frame = textFrame(message + packet);
  return { frame, packets: [packet], options: { preEncoded: true, wsPreEncodedFrame: [frame] }, binary: false };
}

/** A publication whose data is `{"base64": …}`: the Socket.IO packet with one attachment (protocol v5, "Binary event"). */
export function encodeBinary(args: string): EncodedEvent {
  const [event, data, ...rest] = JSON.parse(args) as [string, { base64: string }, ...unknown[]];
  const text = binaryEventOfOne + JSON.stringify([event, { _placeholder: true, num: 0 }, ...rest]);
  const attachment = Buffer.from(data.base64, "base64");
  const frame = Buffer.concat([textFrame(message + text), frameHeader(binaryOpcode, attachment.length), attachment]);
  return { frame, packets: [text, attachment], options: { preEncoded: true }, binary: true };
}

function textFrame(text: string): Buffer {
  const bytes = Buffer.byteLength(text);
  const header = frameHeader(textOpcode, bytes);
  const frame = Buffer.allocUnsafe(header.length + bytes);
  header.copy(frame);
  frame.write(text, header.length);
  return frame;
}

/** The head of an unmasked frame of one fragment. */
function frameHeader(opcode: number, bytes: number): Buffer {
  if (bytes < 126) return Buffer.of(opcode, bytes);
  const long = bytes >= 65_536;
  const header = Buffer.alloc(long ? 10 : 4);
  header[0] = opcode;
  header[1] = long ? 127 : 126;
  if (long) header.writeBigUInt64BE(BigInt(bytes), 2);
  else header.writeUInt16BE(bytes, 2);
  return header;
}

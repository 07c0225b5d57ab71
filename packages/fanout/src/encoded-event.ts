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
const prefix = message + textEvent;

/** An event whose arguments are already JSON text. */
export function encodeText(args: string): EncodedEvent {
  const packet = textEvent + args;
  const frame = textFrame(message + packet);
  return { frame, packets: [packet], options: { preEncoded: true, wsPreEncodedFrame: [frame] }, binary: false };
}

/** The same from the text's bytes, which are copied: most publications never become a text on their way to a websocket. */
export class HeardEvent implements EncodedEvent {
  readonly frame: Buffer;
  readonly binary = false;
  readonly #argsAt: number;
  #args: string | undefined;

  constructor(args: Uint8Array) {
    const bytes = prefix.length + args.length;
    const headBytes = headBytesOf(bytes);
    this.frame = Buffer.allocUnsafe(headBytes + bytes);
    this.#argsAt = headBytes + prefix.length;
    writeHead(this.frame, textOpcode, bytes);
    this.frame.write(prefix, headBytes, "latin1");
    this.frame.set(args, this.#argsAt);
  }

  get args(): string {
    this.#args ??= this.frame.toString("utf8", this.#argsAt);
    return this.#args;
  }

  get packets(): readonly string[] {
    return [textEvent + this.args];
  }

  get options(): WriteOptions {
    return { preEncoded: true, wsPreEncodedFrame: [this.frame] };
  }
}

/** A publication whose data is `{"base64": …}`: the Socket.IO packet with one attachment (protocol v5, "Binary event"). */
export function encodeBinary(args: string): EncodedEvent {
  const [event, data, ...rest] = JSON.parse(args) as [string, { base64: string }, ...unknown[]];
  const text = binaryEventOfOne + JSON.stringify([event, { _placeholder: true, num: 0 }, ...rest]);
  const attachment = Buffer.from(data.base64, "base64");
  const frame = Buffer.concat([textFrame(message + text), frameHead(binaryOpcode, attachment.length), attachment]);
  return { frame, packets: [text, attachment], options: { preEncoded: true }, binary: true };
}

function textFrame(text: string): Buffer {
  const bytes = Buffer.byteLength(text);
  const headBytes = headBytesOf(bytes);
  const frame = Buffer.allocUnsafe(headBytes + bytes);
  writeHead(frame, textOpcode, bytes);
  frame.write(text, headBytes);
  return frame;
}

/** The head of an unmasked frame whose first byte, of flags and opcode, is `opcode`. */
export function frameHead(opcode: number, bytes: number): Buffer {
  const head = Buffer.allocUnsafe(headBytesOf(bytes));
  writeHead(head, opcode, bytes);
  return head;
}

function headBytesOf(bytes: number): number {
  if (bytes < 126) return 2;
  return bytes < 65_536 ? 4 : 10;
}

/** Writes the head of an unmasked frame of one fragment. */
function writeHead(frame: Buffer, opcode: number, bytes: number): void {
  frame[0] = opcode;
  if (bytes < 126) {
    frame[1] = bytes;
  } else if (bytes < 65_536) {
    frame[1] = 126;
    frame[2] = bytes >> 8;
    frame[3] = bytes & 0xff;
  } else {
    frame[1] = 127;
    frame.writeBigUInt64BE(BigInt(bytes), 2);
  }
}

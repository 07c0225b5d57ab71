import { constants, deflateRawSync } from "node:zlib";
import { frameHead } from "./encoded-event.ts";

/** Shorter ones gain too little; the default of ws as well. */
const bytesMin = 1_024;
/** zlib makes 9 of 8, and a client with a smaller window could not read that. */
const windowBitsMin = 9;
/** Of a frame whose message is compressed (RFC 7692 §6), beside the bits of the plain one. */
const compressedBit = 0x40;
/** A flush ends with these four bytes, which are left out (RFC 7692 §7.2.1). */
const tailBytes = 4;
/** In front of the message (RFC 6455 §5.2). */
const headBytes = (frame: Buffer): number => (frame[1] === 127 ? 10 : frame[1] === 126 ? 4 : 2);

/**
 * One text frame as connections that compress are written it (permessage-deflate, RFC 7692): compressed once for all with the
 * same window, which is possible where the server has promised to begin every message anew (`server_no_context_takeover`).
 */
export class CompressedFrames {
  readonly #plain: Buffer;
  readonly #byWindow: Buffer[] = [];

  /** `plain`: a whole frame with a whole message. */
  constructor(plain: Buffer) {
    this.#plain = plain;
  }

  /** For connections whose window has so many bits; 0 stands for those that do not compress. */
  of(windowBits: number): Buffer {
    if (windowBits < windowBitsMin || this.#plain.length < bytesMin) return this.#plain;
    this.#byWindow[windowBits] ??= compress(this.#plain, windowBits);
    return this.#byWindow[windowBits];
  }
}

function compress(plain: Buffer, windowBits: number): Buffer {
  const flushed = deflateRawSync(plain.subarray(headBytes(plain)), { windowBits, finishFlush: constants.Z_SYNC_FLUSH });
  const message = flushed.subarray(0, -tailBytes);
  return Buffer.concat([frameHead((plain[0] ?? 0) | compressedBit, message.length), message]);
}

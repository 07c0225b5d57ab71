import { type Draft, FanfareError } from "@fanfare/domain";
import { draftOf, textOf } from "./draft.ts";

/** What one ZeroMQ message says: `[json]`, `[channel, json]` or `[channel, event, json]`, each with a number behind or not. */
export interface ZmqMessage {
  readonly frames: readonly Uint8Array[];
  /** The producer's own count of its messages in this channel, when it put one on. */
  readonly sequence: number | undefined;
}

/**
 * Tells a number from a payload: a last frame of exactly 8 bytes of which the first is 0, a whole number in big endian
 * (below 2^56). No JSON text and no name begins with that byte.
 */
export function readZmqMessage(parts: readonly Uint8Array[]): ZmqMessage {
  const last = parts.at(-1);
  if (parts.length < 2 || last?.length !== 8 || last[0] !== 0) return { frames: parts, sequence: undefined };
  const sequence = new DataView(last.buffer, last.byteOffset, 8).getBigUint64(0);
  return { frames: parts.slice(0, -1), sequence: Number(sequence) };
}

/** The publication that the frames stand for; `channel` is that of a single frame. Throws an error of the band `caller`. */
export function draftOfFrames(frames: readonly Uint8Array[], channel: string, id: string): Draft {
  const [first, second, third, ...more] = frames.map(textOf);
  if (first === undefined || more.length > 0)
    throw new FanfareError("REQUEST_INVALID", { detail: "1 to 3 frames are expected." });
  if (second === undefined) return draftOf({ channel, id, json: first });
  if (third === undefined) return draftOf({ channel: first, id, json: second });
  return draftOf({ channel: first, event: second, id, json: third });
}

/** Counts what is missing between the numbers of each channel. A lower number than before: the producer began anew. */
export class Sequences {
  readonly #last = new Map<string, number>();
  /** Channels that are remembered; of more, the one that was heard longest ago is forgotten. */
  readonly #channelsMax: number;

  constructor(channelsMax = 10_000) {
    this.#channelsMax = channelsMax;
  }

  knows(channel: string): boolean {
    return this.#last.has(channel);
  }

  /** How many messages are missing between the one before and this one. */
  missingBefore(channel: string, sequence: number): number {
    const last = this.#last.get(channel);
    this.#last.delete(channel);
    this.#last.set(channel, sequence);
    if (this.#last.size > this.#channelsMax) {
      const [oldest] = this.#last.keys();
      if (oldest !== undefined) this.#last.delete(oldest);
    }
    return last === undefined || sequence <= last ? 0 : sequence - last - 1;
  }
}

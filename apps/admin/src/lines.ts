const newline = 0x0a;

/** Cuts a stream of bytes into lines. Holds at most one unfinished line of at most `bytesMax`. */
export class LineCutter {
  readonly #bytesMax: number;
  #pieces: Buffer[] = [];
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** The lines that are complete with this chunk, without their ends; the last one may be {@link tooLong}. */
  *cut(chunk: Buffer): Generator<Buffer | typeof tooLong> {
    let start = 0;
    for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, start)) {
      if (!this.#keep(chunk.subarray(start, end))) return yield tooLong;
      yield this.rest();
      start = end + 1;
    }
    if (!this.#keep(chunk.subarray(start))) yield tooLong;
  }

  /** What has come since the last line's end. */
  rest(): Buffer {
    const [first, ...others] = this.#pieces;
    const line = first === undefined ? Buffer.alloc(0) : others.length === 0 ? first : Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.#bytes = 0;
    return line;
  }

  #keep(piece: Buffer): boolean {
    this.#bytes += piece.length;
    if (this.#bytes > this.#bytesMax) return false;
    if (piece.length > 0) this.#pieces.push(piece);
    return true;
  }
}

/** Stands for a line that is longer than allowed; nothing after it can be told apart. */
export const tooLong = Symbol("line too long");

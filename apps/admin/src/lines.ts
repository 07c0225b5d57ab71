const newline = 0x0a;

/** What one chunk completed. */
export interface CutLines {
  /** Without their ends. */
  readonly whole: readonly Buffer[];
  /** Behind them comes a line that is longer than allowed: nothing after it can be told apart. */
  readonly overflow: boolean;
}

/** Cuts a stream of bytes into lines. Holds at most one unfinished line of at most `bytesMax`. */
export class LineCutter {
  readonly #bytesMax: number;
  #pieces: Buffer[] = [];
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** The lines that are complete with this chunk. */
  cut(chunk: Buffer): CutLines {
    const whole: Buffer[] = [];
    let start = 0;
    for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, start)) {
      if (!this.#keep(chunk.subarray(start, end))) return { whole, overflow: true };
      whole.push(this.rest());
      start = end + 1;
    }
    return { whole, overflow: !this.#keep(chunk.subarray(start)) };
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

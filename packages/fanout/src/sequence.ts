/**
 * What a connection is to be written next: frames one behind the other, kept as a path in a tree. Connections that were
 * given the same frames since the last flush stand at the same place of the tree, and share the bytes of the whole path: a
 * delivery costs a step, not a copy.
 */
export class Sequence {
  /** Bytes of all frames up to here. */
  readonly bytes: number;
  readonly #before: Sequence | undefined;
  readonly #frame: Buffer;
  /** The frame asked for last: nearly always the next connection asks for the same. */
  #lastFrame: Buffer | undefined;
  #last: Sequence | undefined;
  #others: Map<Buffer, Sequence> | undefined;
  #joined: Buffer | undefined;

  private constructor(before: Sequence | undefined, frame: Buffer) {
    this.#before = before;
    this.#frame = frame;
    this.bytes = (before?.bytes ?? 0) + frame.length;
  }

  /** The place from which every connection starts. */
  static start(): Sequence {
    return new Sequence(undefined, Buffer.alloc(0));
  }

  /** The place one frame further, the same for everyone who goes there. */
  next(frame: Buffer): Sequence {
    if (this.#last !== undefined && this.#lastFrame === frame) return this.#last;
    const next = this.#others?.get(frame) ?? new Sequence(this, frame);
    if (this.#last !== undefined && this.#lastFrame !== undefined) {
      this.#others ??= new Map();
      this.#others.set(this.#lastFrame, this.#last);
    }
    this.#lastFrame = frame;
    this.#last = next;
    return next;
  }

  /** A place one frame further for a single connection: nobody else is given this frame. */
  alone(frame: Buffer): Sequence {
    return new Sequence(this, frame);
  }

  /** All frames, joined once. */
  get joined(): Buffer {
    this.#joined ??= this.#join();
    return this.#joined;
  }

  #join(): Buffer {
    if (this.#before === undefined || this.#before.bytes === 0) return this.#frame;
    const whole = Buffer.allocUnsafe(this.bytes);
    let end = this.bytes;
    for (let place: Sequence | undefined = this; place !== undefined; place = place.#before) {
      // Somebody was written up to here already, such as in front of an answer.
      if (place.#joined !== undefined) {
        place.#joined.copy(whole, 0);
        break;
      }
      end -= place.#frame.length;
      place.#frame.copy(whole, end);
    }
    return whole;
  }
}

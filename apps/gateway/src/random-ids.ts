import { randomFillSync } from "node:crypto";

/** Drawn from the system at once: a draw costs 10 µs, however little is drawn. */
const drawn = 256;

/** Secrets of a constant length, from the system's generator, as text that may stand in a URL. */
export class RandomIds {
  readonly #bytes: number;
  readonly #pool: Buffer;
  #used: number;

  /** `bytes`: of randomness in each. */
  constructor(bytes: number) {
    this.#bytes = bytes;
    this.#pool = Buffer.alloc(bytes * drawn);
    this.#used = this.#pool.length;
  }

  next(): string {
    if (this.#used === this.#pool.length) {
      randomFillSync(this.#pool);
      this.#used = 0;
    }
    const end = this.#used + this.#bytes;
    const id = this.#pool.toString("base64url", this.#used, end);
    // Said once, a secret is not kept a second time.
    this.#pool.fill(0, this.#used, end);
    this.#used = end;
    return id;
  }
}

import type { Random } from "@fanfare/test-support";

/** What parsers trip over. */
const troubles = [
  "",
  "\u0000",
  "\n",
  "\r\n\r\n",
  "\u001e",
  "__proto__",
  "constructor",
  '{"__proto__":{"admin":true}}',
  "null",
  "[]",
  "{}",
  "-1",
  "1e999",
  "9007199254740993",
  "99999999999999999999",
  "NaN",
  "\ud800",
  "％",
  "{0}",
  "..",
  "%00",
  "%",
  '"',
  "\\",
  "[".repeat(3_000),
  '{"a":'.repeat(2_000),
  '{"_placeholder":true,"num":0}',
  '{"_placeholder":true,"num":1e9}',
  "451-",
  "4599999999-",
  "a".repeat(5_000),
  "😀".repeat(300),
] as const;

/** The seed of a run makes the same inputs again, in the same order. */
export class Mutator {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  /** One of the corpus, a little or badly broken. */
  bytes(corpus: readonly (string | Uint8Array)[]): Buffer {
    const { pick, between, next } = this.#random;
    let made = Buffer.from(pick(corpus) as string);
    for (let steps = between(0, 4); steps > 0; steps--) {
      const at = between(0, made.length);
      const to = Math.min(made.length, at + between(0, 12));
      const choice = next();
      if (choice < 0.25 && made.length > 0) made[Math.min(at, made.length - 1)] = between(0, 255);
      else if (choice < 0.45) made = Buffer.concat([made.subarray(0, at), made.subarray(to)]);
      else if (choice < 0.7) made = Buffer.concat([made.subarray(0, at), Buffer.from(pick(troubles)), made.subarray(to)]);
      else if (choice < 0.8) made = Buffer.concat([made.subarray(0, at), Buffer.from(pick(corpus) as string).subarray(0, 200)]);
      else if (choice < 0.9) made = Buffer.concat([made, made.subarray(at, to)]);
      else made = made.subarray(0, at);
      if (made.length > 20_000) made = made.subarray(0, 20_000);
    }
    return made;
  }

  text(corpus: readonly string[]): string {
    return this.bytes(corpus).toString("utf8");
  }

  /** What may stand in a request line or a header without Node refusing to send it. */
  visible(corpus: readonly string[]): string {
    return this.bytes(corpus)
      .toString("latin1")
      .replace(/[^\x21-\x7e]/g, (character) => encodeURIComponent(character));
  }
}

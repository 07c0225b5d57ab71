import { PassThrough, type Readable, type Writable } from "node:stream";
import { FanfareError, limits } from "@fanfare/domain";
import { AnswerQueue } from "./answer-queue.ts";
import { LineCutter } from "./lines.ts";
import { problemOf } from "./problem.ts";

/** Lines that are being published, or answered to a reader who has not taken the answer yet. */
const inFlightMax = 256;
/** Lines that are answered together: some are read while others are being stored. */
const togetherMax = 64;

export interface StreamParts {
  readonly input: Readable;
  readonly output: Writable;
  /**
   * Answers lines that are not blank with as many lines of text. MUST NOT reject. What it does before it first waits happens in
   * the order of the lines.
   */
  readonly answer: (lines: readonly Buffer[]) => Promise<string>;
  /** Once it is aborted no further line is read; what has been read is answered. */
  readonly closing: AbortSignal;
}

/**
 * Answers every line of the input with one line of JSON, in order. Lines that come together are answered together. Blank lines
 * are passed over. A line that is too long gets its answer and ends the stream, because where the next one begins is unknown.
 * Rejects when either side breaks off.
 */
export async function answerLines({ input, output, answer, closing }: StreamParts): Promise<void> {
  const answers = new AnswerQueue(output, inFlightMax);
  const lines = new LineCutter(limits.bodyBytesMax);
  await readAll();
  await answers.drained();

  async function take(many: readonly Buffer[]): Promise<void> {
    for (let at = 0; at < many.length; ) {
      const room = await answers.room();
      if (output.destroyed) return;
      const some = many.slice(at, at + Math.min(room, togetherMax));
      answers.push(answer(some), some.length);
      at += some.length;
    }
  }

  async function readAll(): Promise<void> {
    for await (const chunk of untilAborted(input, closing) as AsyncIterable<Buffer>) {
      const { whole, overflow } = lines.cut(chunk);
      await take(whole.filter(isNotBlank));
      if (overflow) answers.push(Promise.resolve(problemLine(new FanfareError("PAYLOAD_TOO_LARGE"))), 1);
      if (overflow || output.destroyed) return;
    }
    // A line that closing has cut in half is not the caller's mistake: it gets no answer.
    if (!closing.aborted || input.readableEnded) await take([lines.rest()].filter(isNotBlank));
  }
}

/** The input as a stream of its own that ends when the input does, or at once when the signal says so. */
function untilAborted(input: Readable, signal: AbortSignal): Readable {
  const source = new PassThrough();
  const end = () => {
    input.unpipe(source);
    source.end();
  };
  if (signal.aborted) end();
  else {
    signal.addEventListener("abort", end, { once: true });
    input.pipe(source);
    // pipe passes on neither an error nor a connection that ends in the middle of the request.
    input.once("error", (error) => source.destroy(error));
    input.once("close", () => {
      if (!input.readableEnded) source.destroy(new Error("the request was broken off"));
    });
    source.once("close", () => signal.removeEventListener("abort", end));
  }
  return source;
}

export function problemLine(error: FanfareError): string {
  return `${JSON.stringify(problemOf(error))}\n`;
}

function isNotBlank(line: Buffer): boolean {
  return line.some((byte) => byte !== 0x20 && byte !== 0x09 && byte !== 0x0d);
}

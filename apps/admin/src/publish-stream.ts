import { PassThrough, type Readable, type Writable } from "node:stream";
import { asFanfareError, FanfareError, limits } from "@fanfare/domain";
import { AnswerQueue } from "./answer-queue.ts";
import { LineCutter, tooLong } from "./lines.ts";
import { problemOf } from "./problem.ts";

/** Lines that are being published, or answered to a reader who has not taken the answer yet. */
const inFlightMax = 256;

export interface StreamParts {
  readonly input: Readable;
  readonly output: Writable;
  /** Answers one line that is not blank; may reject. Called in the order of the lines. */
  readonly answer: (line: Buffer) => Promise<unknown>;
  /** Once it is aborted no further line is read; what has been read is answered. */
  readonly closing: AbortSignal;
}

/**
 * Answers every line of the input with one line of JSON, in order. Blank lines are passed over. A line that is too long
 * gets its answer and ends the stream, because where the next one begins is unknown. Rejects when either side breaks off.
 */
export async function answerLines({ input, output, answer, closing }: StreamParts): Promise<void> {
  const answers = new AnswerQueue(output, inFlightMax);
  const lines = new LineCutter(limits.bodyBytesMax);
  await readAll();
  await answers.drained();

  async function take(line: Buffer | typeof tooLong): Promise<void> {
    if (line !== tooLong && isBlank(line)) return;
    if (answers.inFlight >= inFlightMax) await answers.room();
    if (output.destroyed) return;
    answers.push(line === tooLong ? Promise.resolve(problemLine(new FanfareError("PAYLOAD_TOO_LARGE"))) : lineFor(answer, line));
  }

  async function readAll(): Promise<void> {
    for await (const chunk of untilAborted(input, closing) as AsyncIterable<Buffer>) {
      for (const line of lines.cut(chunk)) {
        await take(line);
        if (line === tooLong || output.destroyed) return;
      }
    }
    // A line that closing has cut in half is not the caller's mistake: it gets no answer.
    if (!closing.aborted || input.readableEnded) await take(lines.rest());
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

async function lineFor(answer: StreamParts["answer"], line: Buffer): Promise<string> {
  try {
    return `${JSON.stringify(await answer(line))}\n`;
  } catch (error) {
    return problemLine(asFanfareError(error));
  }
}

function problemLine(error: FanfareError): string {
  return `${JSON.stringify(problemOf(error))}\n`;
}

function isBlank(line: Buffer): boolean {
  return line.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d);
}

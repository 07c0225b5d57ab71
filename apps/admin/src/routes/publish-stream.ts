import type { IncomingMessage } from "node:http";
import { finished } from "node:stream/promises";
import { FanfareError, Problem, PublishBody, PublishQuery, parseJson, Type } from "@fanfare/domain";
import type { FastifyInstance } from "fastify";
import { bodyStream, ndjson, utf8Text } from "../bodies.ts";
import type { Context } from "../context.ts";
import { type Drafts, draftsOf } from "../drafts.ts";
import { refuseIdempotencyKey } from "../idempotency-key.ts";
import { openStream } from "../open-stream.ts";
import { lineAnswers, linesBody } from "../openapi.ts";
import { type AnswerOrError, publishMany } from "../publish-many.ts";
import { answerLines, problemLine } from "../publish-stream.ts";
import { PublishAnswer, readPublishQuery } from "./publish.ts";

export const ProblemOrAnswer = Type.Union([...PublishAnswer.anyOf, Problem]);

/** How long what is left of a request is read away after its stream has ended, so that the answer is not lost. */
const leftoverMs = 2_000;

export function publishStreamRoute(app: FastifyInstance, context: Context): void {
  const { closing } = context;
  app.post(
    "/publish/stream",
    {
      config: { endless: true },
      schema: {
        operationId: "publishStream",
        tags: ["publish"],
        summary: "Publish a stream of lines",
        description:
          "NDJSON in, NDJSON out: one publish body per line, one answer per line, in order. Lines that come together are stored and answered together, as soon as all of them are. Blank lines are passed over. Read the answers while you write: unread ones hold the stream back, and after half a minute in which none was taken it is closed.",
        querystring: PublishQuery,
        body: linesBody(PublishBody),
        response: lineAnswers("One answer per line.", ProblemOrAnswer, [400, 401, 403, 415]),
      },
    },
    async (request, reply) => {
      const { receipt } = readPublishQuery(request);
      refuseIdempotencyKey(request);
      const input = bodyStream(request);
      const output = openStream(reply, { "content-type": ndjson });

      function draftsIn(line: Buffer): Drafts {
        const text = utf8Text(line);
        return draftsOf(parseJson(text), text, { receipt });
      }

      async function answer(lines: readonly Buffer[]): Promise<string> {
        const answers = await publishMany(request, lines, draftsIn, context);
        return answers.map(lineOf).join("");
      }

      try {
        await answerLines({ input, output, answer, closing });
        output.end();
        await finished(output);
        await leave(input, closing);
      } catch {
        // One side broke off. What was read is published all the same; nobody is left to be told.
        output.destroy();
      }
      return reply;
    },
  );
}

function lineOf(answer: AnswerOrError): string {
  return answer instanceof FanfareError ? problemLine(answer) : `${JSON.stringify(answer)}\n`;
}

/**
 * After a stream that ended before its request did, the rest is read away for a while: closing at once would reset the
 * connection, and the client could lose the answers on their way. While the server closes, nobody may keep it waiting.
 */
async function leave(input: IncomingMessage, closing: AbortSignal): Promise<void> {
  input.resume();
  await finished(input, { signal: AbortSignal.timeout(leftoverMs) }).catch(() => input.socket.destroy());
  if (closing.aborted) input.socket.end();
}

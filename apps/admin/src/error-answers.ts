import { FanfareError } from "@fanfare/domain";
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Context } from "./context.ts";
import { errorOf } from "./framework-errors.ts";
import { problemOf, retryAfterSeconds } from "./problem.ts";

/** Makes every answer that is not a success a problem document with a code. */
export function answerErrors(app: FastifyInstance, logError: Context["logError"]): void {
  app.setErrorHandler((thrown, request, reply) => {
    const error = errorOf(thrown);
    // Whoever broke the request off in its middle reads no answer, and it says nothing about us.
    if (!request.raw.destroyed || error.code !== "INTERNAL") logError(error, request.id, request.routeOptions.url);
    return sendProblem(error, request, reply);
  });

  app.setNotFoundHandler((request, reply) => sendProblem(new FanfareError("NOT_FOUND"), request, reply));
}

/** For addresses that the router cannot even decode: no hook and no handler has run. */
export function answerBadUrl(thrown: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  sendProblem(errorOf(thrown), request, reply);
}

function sendProblem(error: FanfareError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  // Fastify closes the connection under a body that it refused to read. A client that is still writing it would then see
  // a reset and not our answer; without the header Node reads the rest away, for as long as bodyTimeoutMs allows.
  reply.removeHeader("connection");
  if (error.retryAfterMs !== undefined) reply.header("retry-after", retryAfterSeconds(error.retryAfterMs));
  if (error.status === 401) reply.header("www-authenticate", 'Bearer realm="fanfare"');
  return reply
    .code(error.status)
    .type("application/problem+json; charset=utf-8")
    .send(JSON.stringify(problemOf(error, request.id)));
}

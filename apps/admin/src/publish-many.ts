import { asFanfareError, FanfareError } from "@fanfare/domain";
import type { FastifyRequest } from "fastify";
import { requirePublish } from "./auth.ts";
import type { Context } from "./context.ts";
import type { Drafts } from "./drafts.ts";
import type { PublishAnswer } from "./publisher.ts";

export type AnswerOrError = PublishAnswer | FanfareError;

/**
 * Publishes several bodies of one request, each by itself, and answers in the place of each; `read` throws for what is
 * wrong with one. The broker has been asked for all of them when the call returns.
 */
export async function publishMany<Body>(
  request: FastifyRequest,
  bodies: readonly Body[],
  read: (body: Body) => Drafts,
  { publish, logError }: Pick<Context, "publish" | "logError">,
): Promise<AnswerOrError[]> {
  const requests = bodies.map((body) => readable(request, body, read));
  const answers = (await publish(requests.filter(isDrafts))).values();
  return requests.map((drafts) => {
    const answer = isDrafts(drafts) ? (answers.next().value as AnswerOrError) : drafts;
    if (isOurs(answer)) logError(answer, request.id, request.routeOptions.url);
    return answer;
  });
}

/** What the caller could do nothing about. */
export function isOurs(answer: AnswerOrError): answer is FanfareError {
  return answer instanceof FanfareError && answer.band !== "caller";
}

/** What a body asks for, or why it may not. */
export function readable<Body>(request: FastifyRequest, body: Body, read: (body: Body) => Drafts): Drafts | FanfareError {
  try {
    const drafts = read(body);
    requirePublish(request, drafts.drafts);
    return drafts;
  } catch (thrown) {
    return asFanfareError(thrown);
  }
}

function isDrafts(drafts: Drafts | FanfareError): drafts is Drafts {
  return !(drafts instanceof FanfareError);
}

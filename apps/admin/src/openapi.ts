import { Problem, type TSchema } from "@fanfare/domain";

/** The parts of route schemas that repeat. They only make the OpenAPI document: handlers check requests themselves. */

const json = (schema: TSchema) => ({ content: { "application/json": { schema } } });

export const jsonBody = json;

export function linesBody(schema: TSchema) {
  return { content: { "application/x-ndjson": { schema } } };
}

/** A success, and a problem document with these statuses. */
export function answers(description: string, schema: TSchema, problems: readonly number[]) {
  return { ...problemAnswers(problems), 200: { description, ...json(schema) } };
}

/** An acceptance of what will take its time, and a problem document with these statuses. */
export function accepted(description: string, schema: TSchema, problems: readonly number[]) {
  return { ...problemAnswers(problems), 202: { description, ...json(schema) } };
}

/** What was done and confirmed, or not confirmed in time; and a problem document with these statuses. */
export function applied(schema: TSchema, problems: readonly number[]) {
  const done = answers("Done, and confirmed by every node that it concerns.", schema, problems);
  return { ...done, ...accepted("Not confirmed by all of these nodes in time: see `nodesMissing`.", schema, []) };
}

/** A stream of server-sent events, and a problem document with these statuses. */
export function eventAnswers(description: string, schema: TSchema, problems: readonly number[]) {
  return { ...problemAnswers(problems), 200: { description, content: { "text/event-stream": { schema } } } };
}

export function lineAnswers(description: string, schema: TSchema, problems: readonly number[]) {
  return { ...problemAnswers(problems), 200: { description, ...linesBody(schema) } };
}

function problemAnswers(statuses: readonly number[]) {
  return Object.fromEntries(
    statuses.map((status) => [
      status,
      { description: meanings[status] ?? "Refused.", content: { "application/problem+json": { schema: Problem } } },
    ]),
  );
}

const meanings: Readonly<Record<number, string>> = {
  400: "The request is wrong; `code` and `errors` say where.",
  401: "No valid key.",
  403: "The key lacks the scope.",
  404: "There is nothing of this name.",
  409: "It contradicts what is stored.",
  413: "The body is larger than the limit.",
  415: "Not a media type that is read here.",
  422: "Understood, but it cannot be done.",
  429: "Too much at once; `Retry-After` says when to try again.",
  503: "The broker is away or full; `Retry-After` says when to try again.",
};

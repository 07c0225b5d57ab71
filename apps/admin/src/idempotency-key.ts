import { limits } from "@fanfare/domain";
import type { FastifyRequest } from "fastify";
import { fieldError } from "./problem.ts";

const header = "idempotency-key";
const wellFormed = new RegExp(`^[\\x21-\\x7e]{1,${limits.idLengthMax}}$`);

/** The Idempotency-Key header: the id of the one publication that the request makes per channel. */
export function idempotencyKey(request: FastifyRequest): string | undefined {
  const value = request.headers[header];
  if (value === undefined) return undefined;
  if (typeof value !== "string" || !wellFormed.test(value)) {
    throw fieldError("Idempotency-Key", `must be 1 to ${limits.idLengthMax} visible ASCII characters`);
  }
  return value;
}

/** For requests of several publications: a key that is silently ignored would be a false promise. */
export function refuseIdempotencyKey(request: FastifyRequest): void {
  if (request.headers[header] !== undefined) throw fieldError("Idempotency-Key", "give each publication an id instead");
}

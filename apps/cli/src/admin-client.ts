import type { FieldError } from "@fanfare/domain";
import { Failure } from "./failure.ts";

/** Where the admin API is and who asks. */
export interface AdminAddress {
  readonly url: string;
  readonly key: string | undefined;
}

export interface AdminAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** How long an answer may take: more than the two seconds in which the API itself gives up on its broker. */
const answerMs = 10_000;

/** Posts a JSON text, to the byte. Throws a {@link Failure} when nobody answers, or somebody else. */
export function postToAdmin(address: AdminAddress, path: string, json: string): Promise<AdminAnswer> {
  return askAdmin(address, path, { method: "POST", headers: { "content-type": "application/json" }, body: json });
}

/** Throws a {@link Failure} when nobody answers, or somebody else. */
export function getFromAdmin(address: AdminAddress, path: string): Promise<AdminAnswer> {
  return askAdmin(address, path, {});
}

async function askAdmin({ url, key }: AdminAddress, path: string, init: RequestInit): Promise<AdminAnswer> {
  const headers = { ...init.headers, ...(key === undefined ? {} : { authorization: `Bearer ${key}` }) };
  try {
    const response = await fetch(`${url}${path}`, { ...init, headers, signal: AbortSignal.timeout(answerMs) });
    return { status: response.status, body: await response.json() };
  } catch (cause) {
    throw new Failure(`No answer from an admin API at ${url}.`, { cause });
  }
}

/** What a problem document says. */
export function refusalOf({ status, body }: AdminAnswer): Failure {
  const problem = typeof body === "object" && body !== null ? body : {};
  const text = (name: string) => {
    const value: unknown = Object.entries(problem).find(([key]) => key === name)?.[1];
    return typeof value === "string" ? value : undefined;
  };
  const errors: FieldError[] = "errors" in problem && Array.isArray(problem.errors) ? problem.errors.filter(isFieldError) : [];
  return new Failure(text("detail") ?? text("title") ?? `The admin API answered ${status}.`, { code: text("code"), errors });
}

function isFieldError(value: unknown): value is FieldError {
  return typeof value === "object" && value !== null && "path" in value && "message" in value;
}

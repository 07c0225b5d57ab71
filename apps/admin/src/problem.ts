import { catalogue, FanfareError, type FieldError, type Problem } from "@fanfare/domain";

/** UTF-16 units of one text in a problem: messages may repeat keys that the caller sent. */
const textLengthMax = 300;

/** The RFC 9457 document of an error. It holds nothing that the caller may not see. */
export function problemOf(error: FanfareError, requestId?: string): Problem {
  const { code, status, message, errors, retryAfterMs } = error;
  const title = catalogue[code].says;
  return {
    type: `/docs/errors#${code}`,
    title,
    status,
    code,
    ...(message === title ? {} : { detail: shortened(message) }),
    ...(errors === undefined ? {} : { errors: errors.map(shortenedField) }),
    ...(requestId === undefined ? {} : { requestId }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}

/** `Retry-After` in whole seconds, never 0: a client that obeys would come back at once. */
export function retryAfterSeconds(retryAfterMs: number): number {
  return Math.max(1, Math.ceil(retryAfterMs / 1_000));
}

/** Refuses a request for one of its fields. */
export function fieldError(path: string, message: string): FanfareError {
  return new FanfareError("REQUEST_INVALID", { errors: [{ path, message }] });
}

function shortenedField({ path, message }: FieldError): FieldError {
  return { path: shortened(path), message: shortened(message) };
}

function shortened(text: string): string {
  return text.length <= textLengthMax ? text : `${text.slice(0, textLengthMax)}…`;
}

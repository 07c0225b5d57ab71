import { FanfareError } from "./errors.ts";
import { limits } from "./limits.ts";

/**
 * The name that a publisher gave its publication, as it may be remembered. Throws `REQUEST_INVALID` about `path`.
 *
 * Half a surrogate pair has no UTF-8: different ids would become the same one in the broker.
 */
export function publicationId(text: unknown, path = "/id"): string {
  if (typeof text === "string" && text.length > 0 && text.length <= limits.idLengthMax && !/\p{Surrogate}/u.test(text)) {
    return text;
  }
  const message = `must be 1 to ${limits.idLengthMax} characters of well-formed Unicode`;
  throw new FanfareError("REQUEST_INVALID", { errors: [{ path, message }] });
}

import { asFanfareError, FanfareError } from "@fanfare/domain";

/** Fastify's own errors that have a code of ours. Whatever else it blames on the caller is `REQUEST_INVALID`. */
const codes = {
  FST_ERR_CTP_BODY_TOO_LARGE: "PAYLOAD_TOO_LARGE",
  FST_ERR_CTP_INVALID_MEDIA_TYPE: "MEDIA_TYPE_UNSUPPORTED",
  FST_ERR_NOT_FOUND: "NOT_FOUND",
} as const;

/** The catalogue's error for anything that was thrown while a request was served. */
export function errorOf(thrown: unknown): FanfareError {
  if (thrown instanceof FanfareError || !(thrown instanceof Error)) return asFanfareError(thrown);
  const { code, statusCode } = thrown as Error & { code?: unknown; statusCode?: unknown };
  if (typeof code === "string" && Object.hasOwn(codes, code)) {
    return new FanfareError(codes[code as keyof typeof codes], { cause: thrown });
  }
  if (statusCode === 404) return new FanfareError("NOT_FOUND", { cause: thrown });
  if (typeof statusCode === "number" && statusCode >= 400 && statusCode < 500) {
    return new FanfareError("REQUEST_INVALID", { detail: thrown.message, cause: thrown });
  }
  return asFanfareError(thrown);
}

import type { ErrorBody, ErrorCode, FieldError } from "@fanfare/domain";

/** Why a request failed: the server's code, or that nobody has answered in time. */
export type FailureCode = ErrorCode | "NO_ANSWER";

/** What the promises of this package reject with. Match on `code`. */
export class RequestError extends Error {
  override readonly name = "RequestError";
  readonly code: FailureCode;
  /** What is wrong with which field, for `REQUEST_INVALID`. */
  readonly errors: readonly FieldError[] | undefined;

  constructor(body: Pick<ErrorBody, "message" | "errors"> & { readonly code: FailureCode }) {
    super(body.message);
    this.code = body.code;
    this.errors = body.errors;
  }
}

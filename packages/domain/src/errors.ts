/**
 * Who has to act. It decides the HTTP status class, what the socket does, the log level and the metric label.
 *
 * - `caller`      the request is wrong: the caller changes it. Logged at debug.
 * - `overload`    the request is fine but too much: the caller waits. Logged at info.
 * - `dependency`  something Fanfare stands on is away: the caller retries, an operator looks. Logged at warn.
 * - `bug`         ours. Logged at error, with a stack.
 */
export type Band = "caller" | "overload" | "dependency" | "bug";

interface CatalogueEntry {
  readonly band: Band;
  readonly status: number;
  /** One sentence for the person who reads the answer. */
  readonly says: string;
  /** How long to wait before trying again, where that is known. */
  readonly retryAfterMs?: number;
}

/** The closed list of everything that can be answered with "no". docs/ERRORS.md is held equal to it by a test. */
export const catalogue = {
  JSON_INVALID: { band: "caller", status: 400, says: "The body is not JSON in valid UTF-8." },
  JSON_TOO_DEEP: { band: "caller", status: 400, says: "The JSON is nested more deeply than Fanfare accepts." },
  REQUEST_INVALID: { band: "caller", status: 400, says: "The request does not have the documented shape." },
  CHANNEL_INVALID: { band: "caller", status: 400, says: "A channel is 1 to 255 bytes of A-Z a-z 0-9 _ . : @ # = + / -" },
  EVENT_INVALID: { band: "caller", status: 400, says: "An event name is 1 to 255 characters and none of the reserved ones." },
  POSITION_INVALID: { band: "caller", status: 400, says: "A position is an epoch and a whole offset from 0 on." },
  DATA_INVALID: { band: "caller", status: 400, says: "The data cannot be carried: it is neither JSON nor one whole binary." },
  UNKNOWN_EVENT: { band: "caller", status: 400, says: "There is no request of this name." },
  UNAUTHENTICATED: { band: "caller", status: 401, says: "A valid key or token is needed." },
  TOKEN_INVALID: { band: "caller", status: 401, says: "The token is not one that this server accepts." },
  TOKEN_EXPIRED: { band: "caller", status: 401, says: "The token has expired: connect with a fresh one." },
  TOKEN_REVOKED: { band: "caller", status: 401, says: "The token has been revoked." },
  FORBIDDEN: { band: "caller", status: 403, says: "No rule allows this." },
  ORIGIN_FORBIDDEN: { band: "caller", status: 403, says: "Pages of this origin may not connect." },
  NOT_SUBSCRIBED: { band: "caller", status: 403, says: "Only subscribers of the channel may do this." },
  ENDED_BY_SERVER: { band: "caller", status: 403, says: "The application has ended this, by the admin API." },
  NOT_FOUND: { band: "caller", status: 404, says: "There is nothing at this address." },
  RECEIPT_UNKNOWN: { band: "caller", status: 404, says: "There is no receipt of this publication, or no longer." },
  METHOD_NOT_ALLOWED: { band: "caller", status: 405, says: "The address exists, but not with this method." },
  ID_CONFLICT: { band: "caller", status: 409, says: "This id was already used for another publication in the channel." },
  EPOCH_CHANGED: { band: "caller", status: 409, says: "The channel's log started over: read it from its beginning." },
  SCHEDULED_TAKEN: { band: "caller", status: 409, says: "Its time has come: it is being published." },
  PAYLOAD_TOO_LARGE: { band: "caller", status: 413, says: "The body is larger than the limit." },
  MEDIA_TYPE_UNSUPPORTED: {
    band: "caller",
    status: 415,
    says: "Send application/json, or application/x-ndjson where a stream is expected.",
  },
  SUBSCRIPTIONS_EXCEEDED: { band: "caller", status: 422, says: "The connection has as many subscriptions as it may have." },
  REVOCATIONS_EXCEEDED: { band: "caller", status: 422, says: "There are as many revocations as there may be." },
  SCHEDULED_EXCEEDED: { band: "caller", status: 422, says: "There are as many publications for later as there may be." },
  PRESENCE_OFF: { band: "caller", status: 422, says: "The rules of this channel keep no account of who is in it." },
  RECEIPT_UNSUPPORTED: { band: "caller", status: 422, says: "Of this publication there can be no receipt." },
  ATOMIC_UNSUPPORTED: { band: "caller", status: 422, says: "The items of this batch cannot be stored as one." },
  RATE_LIMITED: { band: "overload", status: 429, says: "Too many requests: slow down.", retryAfterMs: 1_000 },
  CONNECTIONS_EXCEEDED: {
    band: "overload",
    status: 429,
    says: "There are as many connections of this user or address as there may be.",
    retryAfterMs: 10_000,
  },
  TOO_SLOW: {
    band: "overload",
    status: 429,
    says: "The connection reads more slowly than it is sent: connect again, and it is given what it missed.",
    retryAfterMs: 1_000,
  },
  DRAINING: {
    band: "overload",
    status: 503,
    says: "This node is shutting down: try again and another will answer.",
    retryAfterMs: 500,
  },
  OVERLOADED: {
    band: "overload",
    status: 503,
    says: "This node has as much to do as it can bear: try again and another will answer.",
    retryAfterMs: 2_000,
  },
  BROKER_UNAVAILABLE: {
    band: "dependency",
    status: 503,
    says: "The broker did not confirm in time. Retry with the same id: it is then stored once.",
    retryAfterMs: 1_000,
  },
  BROKER_FULL: {
    band: "dependency",
    status: 503,
    says: "The broker is out of memory and stores nothing new.",
    retryAfterMs: 5_000,
  },
  NODE_UNREACHABLE: {
    band: "dependency",
    status: 503,
    says: "The node did not answer on its peer port.",
    retryAfterMs: 1_000,
  },
  KEYS_UNAVAILABLE: {
    band: "dependency",
    status: 503,
    says: "The keys that tokens are checked with cannot be fetched.",
    retryAfterMs: 2_000,
  },
  AUTHORIZER_UNAVAILABLE: {
    band: "dependency",
    status: 503,
    says: "The application that decides this did not answer.",
    retryAfterMs: 1_000,
  },
  SETTINGS_INVALID: { band: "caller", status: 500, says: "The settings cannot be used." },
  RULES_INVALID: { band: "caller", status: 500, says: "The rules file cannot be used." },
  INTERNAL: { band: "bug", status: 500, says: "Something broke on our side." },
} as const satisfies Record<string, CatalogueEntry>;

export type ErrorCode = keyof typeof catalogue;

/** One thing wrong with one field. `path` is a JSON pointer into the request ("" is the whole). */
export interface FieldError {
  readonly path: string;
  readonly message: string;
}

/** What a client reads: the value of `error` in an ack, and the heart of a problem document. */
export interface ErrorBody {
  readonly code: ErrorCode;
  readonly message: string;
  readonly retryAfterMs?: number;
  readonly errors?: readonly FieldError[];
}

export interface FanfareErrorOptions {
  /** A sentence that is truer than the catalogue's in this case. Never contains a payload or a secret. */
  readonly detail?: string;
  readonly errors?: readonly FieldError[];
  readonly cause?: unknown;
  /** How long to wait before trying again, where that is better known than the catalogue knows it. */
  readonly retryAfterMs?: number;
}

/** The one error class. Callers match on `code`; `cause` keeps what really happened. */
export class FanfareError extends Error {
  override readonly name = "FanfareError";
  readonly code: ErrorCode;
  readonly errors: readonly FieldError[] | undefined;
  readonly #retryAfterMs: number | undefined;

  constructor(code: ErrorCode, options: FanfareErrorOptions = {}) {
    super(options.detail ?? catalogue[code].says, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.errors = options.errors;
    this.#retryAfterMs = options.retryAfterMs;
  }

  get band(): Band {
    return catalogue[this.code].band;
  }

  get status(): number {
    return catalogue[this.code].status;
  }

  get retryAfterMs(): number | undefined {
    const entry: CatalogueEntry = catalogue[this.code];
    return this.#retryAfterMs ?? entry.retryAfterMs;
  }

  /** The wire form: safe to show to whoever asked. */
  toBody(): ErrorBody {
    return {
      code: this.code,
      message: this.message,
      ...(this.retryAfterMs === undefined ? {} : { retryAfterMs: this.retryAfterMs }),
      ...(this.errors === undefined ? {} : { errors: this.errors }),
    };
  }
}

/** Anything that was thrown, as a FanfareError: what is not one already is `INTERNAL`. */
export function asFanfareError(thrown: unknown): FanfareError {
  return thrown instanceof FanfareError ? thrown : new FanfareError("INTERNAL", { cause: thrown });
}

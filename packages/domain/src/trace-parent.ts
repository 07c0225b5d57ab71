import { FanfareError } from "./errors.ts";

declare const brand: unique symbol;

/**
 * Where in somebody's trace a publication was made: `traceparent` of W3C Trace Context, as its version 00 writes it:
 * `00-<trace id>-<parent id>-<flags>`, 55 characters. Fanfare makes no spans of its own, so it hands on what it was given.
 */
export type TraceParent = string & { readonly [brand]: "TraceParent" };

/** Trace id, parent id and flags (§2.2.3 there): lower-case hex, and no id of zeros only. */
const fields = "(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}";

/** Version 00 is exactly that; later ones may add something behind a dash (§2.2.4), and there is no version ff. */
const wellFormed = new RegExp(`^(?:00-${fields}|(?!00|ff)[0-9a-f]{2}-${fields}(?:-.*)?)$`);

/**
 * Undefined for what is not well-formed: such a context is ignored (§3.2 there), because nobody's request may fail for the sake of
 * a trace. Of a later version's what version 00 knows is taken over: the ids, and whether the trace is sampled (§2.2.4).
 */
export function traceParent(text: unknown): TraceParent | undefined {
  if (typeof text !== "string" || !wellFormed.test(text)) return undefined;
  if (text.startsWith("00")) return text as TraceParent;
  const sampled = Number.parseInt(text.slice(53, 55), 16) & 1;
  return `00${text.slice(2, 53)}0${sampled}` as TraceParent;
}

/** The same for what somebody has written into a field: throws `REQUEST_INVALID` for what is malformed. */
export function writtenTraceParent(text: string | undefined): TraceParent | undefined {
  const read = traceParent(text);
  if (text === undefined || read !== undefined) return read;
  const message = "is no traceparent of W3C Trace Context: 00-<32 hex digits>-<16 hex digits>-<2 hex digits>";
  throw new FanfareError("REQUEST_INVALID", { errors: [{ path: "/traceparent", message }] });
}

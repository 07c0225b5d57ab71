import { FanfareError } from "./errors.ts";
import { parseJson } from "./json-text.ts";

/**
 * What a publication carries: JSON as text, or one whole binary. A binary is written `{"base64":"…"}` in REST, in the log
 * and between nodes, and arrives at the client as a Buffer or an ArrayBuffer.
 */
export interface Payload {
  readonly json: string;
  readonly binary: boolean;
}

const wellFormedBase64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** The payload of a value that is already parsed, with the text it was parsed from. Throws `DATA_INVALID`. */
export function payloadOf(value: unknown, json: string): Payload {
  return { json, binary: isBinaryForm(value) };
}

/** The payload of a JSON text. Throws `JSON_INVALID`, `JSON_TOO_DEEP` or `DATA_INVALID`. */
export function payloadOfText(json: string): Payload {
  return payloadOf(parseJson(json), json);
}

/** An object with the single member `base64` is a binary; one that is meant so but is not base64 is refused. */
function isBinaryForm(value: unknown): boolean {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const keys = Object.keys(value);
  if (keys.length !== 1 || keys[0] !== "base64") return false;
  const { base64 } = value as { base64: unknown };
  if (typeof base64 !== "string" || !wellFormedBase64.test(base64)) {
    throw new FanfareError("DATA_INVALID", { detail: 'A binary is written {"base64": "…"} with padded standard base64.' });
  }
  return true;
}

import { isUtf8 } from "node:buffer";
import type { IncomingMessage } from "node:http";
import { FanfareError, limits } from "@fanfare/domain";
import type { FastifyInstance, FastifyRequest } from "fastify";

export const ndjson = "application/x-ndjson";

/**
 * Bodies reach the handlers as bytes, or as the stream of an NDJSON request: payloads are carried as the text they came
 * as, so nothing may parse and print them on the way.
 */
export function acceptBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("application/json", { parseAs: "buffer", bodyLimit: limits.bodyBytesMax }, (request, body, done) =>
    done(encodingError(request), body),
  );
  app.addContentTypeParser(ndjson, (request, payload, done) => done(encodingError(request), payload));
}

/** The text of a JSON request. Throws `MEDIA_TYPE_UNSUPPORTED` or `JSON_INVALID`. */
export function bodyText(request: FastifyRequest): string {
  const { body } = request;
  if (body === undefined || body === null) throw new FanfareError("JSON_INVALID", { detail: "The request has no body." });
  if (!Buffer.isBuffer(body)) {
    throw new FanfareError("MEDIA_TYPE_UNSUPPORTED", { detail: "Send application/json to this address." });
  }
  return utf8Text(body);
}

/** The lines of an NDJSON request. Throws `MEDIA_TYPE_UNSUPPORTED`. */
export function bodyStream(request: FastifyRequest): IncomingMessage {
  if (request.body !== request.raw) {
    throw new FanfareError("MEDIA_TYPE_UNSUPPORTED", { detail: `Send ${ndjson} to this address.` });
  }
  return request.raw;
}

/** Throws `JSON_INVALID` for bytes that are not UTF-8; replacing them would store what nobody sent. */
export function utf8Text(bytes: Buffer): string {
  if (!isUtf8(bytes)) throw new FanfareError("JSON_INVALID", { detail: "The body is not UTF-8." });
  // A byte order mark in front is none of the text (RFC 8259, section 8.1).
  const start = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  return bytes.toString("utf8", start);
}

function encodingError(request: FastifyRequest): FanfareError | null {
  const encoding = request.headers["content-encoding"];
  if (encoding === undefined || encoding === "identity") return null;
  return new FanfareError("MEDIA_TYPE_UNSUPPORTED", { detail: "Compressed bodies are not read: send the body as it is." });
}

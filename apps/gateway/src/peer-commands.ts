import type { IncomingMessage, ServerResponse } from "node:http";
import { asFanfareError, limits } from "@fanfare/domain";
import type { Obey } from "./commands.ts";
import { json } from "./peer-answer.ts";

/** Data of the longest body that the admin API takes, as text inside a text: each of its characters may need two. */
const bytesMax = 2 * limits.bodyBytesMax + 65_536;

/** Answers one command with what came of it. Never rejects. */
export async function serveCommand(request: IncomingMessage, response: ServerResponse, obey: Obey): Promise<void> {
  try {
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of request as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > bytesMax) return json(response, 413, { code: "PAYLOAD_TOO_LARGE" });
      chunks.push(chunk);
    }
    json(response, 200, await obey(JSON.parse(Buffer.concat(chunks).toString())));
  } catch (thrown) {
    if (request.destroyed && !request.complete) return;
    const { code, status } = asFanfareError(thrown);
    json(response, thrown instanceof SyntaxError ? 400 : status, { code: thrown instanceof SyntaxError ? "JSON_INVALID" : code });
  }
}

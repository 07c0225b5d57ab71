import { once } from "node:events";
import { request } from "node:http";
import type { PublishTarget } from "./post-connection.ts";

const newline = 0x0a;

/**
 * Streams lines (NDJSON) in one request until the deadline, never more than `aheadMax` of them without an answer, and
 * resolves with how many were answered. Rejects when one was refused or when the stream ended early.
 */
export async function postLines(
  { port, path, token }: PublishTarget,
  line: (n: number) => string,
  aheadMax: number,
  deadline: number,
): Promise<number> {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/x-ndjson" };
  const post = request({ host: "127.0.0.1", port, path, method: "POST", headers });
  post.flushHeaders();
  const [response] = await once(post, "response");
  if (response.statusCode !== 200) throw new Error(`The stream was answered with ${response.statusCode}.`);
  let sent = 0;
  let answered = 0;
  let refusal: string | undefined;
  const fill = () => {
    if (post.writableEnded) return;
    if (performance.now() >= deadline || refusal !== undefined) post.end();
    else {
      // One write for all that may go: the kernel has no use for lines.
      let text = "";
      while (sent - answered < aheadMax) text += line(++sent);
      if (text !== "") post.write(text);
    }
  };
  response.on("data", (chunk: Buffer) => {
    for (let at = chunk.indexOf(newline); at !== -1; at = chunk.indexOf(newline, at + 1)) answered++;
    if (chunk.includes('"status":')) refusal ??= chunk.toString("utf8");
    fill();
  });
  fill();
  await once(response, "end");
  if (refusal !== undefined) throw new Error(`A line was refused: ${refusal.slice(0, 500)}`);
  if (answered !== sent) throw new Error(`Of ${sent} lines ${answered} were answered.`);
  return answered;
}

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

/** `cut`: the connection ends without an answer, as when the process is restarted just then. */
export type GivenAnswer = readonly [status: number, body: object] | "cut";

/** An admin API that gives these answers in turn, the last one for ever. Ends with the test. */
export async function answering(...answers: readonly GivenAnswer[]) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const answer = answers[Math.min(asked.length, answers.length - 1)] ?? "cut";
    asked.push(`${request.method} ${request.url}`);
    if (answer === "cut") request.socket.destroy();
    else response.writeHead(answer[0], { "content-type": "application/json" }).end(JSON.stringify(answer[1]));
  });
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { address: { url: `http://127.0.0.1:${port}`, key: undefined }, asked };
}

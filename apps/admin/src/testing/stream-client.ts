import { type ClientRequest, type IncomingMessage, request } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestAdmin } from "./test-admin.ts";

export interface StreamClient {
  readonly request: ClientRequest;
  readonly status: number;
  /** The answers that have come, parsed. */
  // biome-ignore lint/suspicious/noExplicitAny: tests say what they expect of them
  readonly answers: readonly any[];
  readonly ended: boolean;
  write(line: unknown): void;
  end(): void;
}

/** Opens an NDJSON stream over a real connection; resolves with the response's headers, before any line is written. */
export async function openStream(admin: TestAdmin, key = admin.key): Promise<StreamClient> {
  if (!admin.app.server.listening) await admin.app.listen({ host: "127.0.0.1", port: 0 });
  const { port } = admin.app.server.address() as AddressInfo;
  const outgoing = request({
    host: "127.0.0.1",
    port,
    method: "POST",
    path: "/v1/publish/stream",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/x-ndjson" },
  });
  outgoing.flushHeaders();
  const incoming = await new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.once("response", resolve);
    outgoing.once("error", reject);
  });
  // Whoever ends the stream early resets what is still being written: that is not the test's failure.
  outgoing.on("error", () => undefined);

  let text = "";
  let ended = false;
  incoming.setEncoding("utf8");
  incoming.on("data", (chunk: string) => {
    text += chunk;
  });
  incoming.on("end", () => {
    ended = true;
  });
  incoming.on("error", () => undefined);

  return {
    request: outgoing,
    status: incoming.statusCode ?? 0,
    get answers() {
      return text
        .split("\n")
        .slice(0, -1)
        .map((line) => JSON.parse(line));
    },
    get ended() {
      return ended;
    },
    write: (line) => outgoing.write(`${typeof line === "string" ? line : JSON.stringify(line)}\n`),
    end: () => outgoing.end(),
  };
}

import type { Socket } from "node:net";
import { hangUp } from "@fanfare/access";
import { FanfareError } from "@fanfare/domain";
import { problemOf } from "./problem.ts";

/** What Node's HTTP parser refuses before there is a request, with the status that says so. */
const statuses: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: "431 Request Header Fields Too Large",
  ERR_HTTP_REQUEST_TIMEOUT: "408 Request Timeout",
};

/** Answers a connection that does not speak HTTP, or not in time, and closes it. */
export function answerClientError(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const line = statuses[error.code ?? ""] ?? "400 Bad Request";
  const problem = problemOf(new FanfareError("REQUEST_INVALID", { detail: "This is not an HTTP request that can be read." }));
  const body = JSON.stringify({ ...problem, status: Number(line.slice(0, 3)) });
  hangUp(
    socket,
    `HTTP/1.1 ${line}\r\nContent-Type: application/problem+json; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}

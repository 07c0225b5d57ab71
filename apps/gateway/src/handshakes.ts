import type { IncomingMessage } from "node:http";
import { type ErrorCode, FanfareError } from "@fanfare/domain";
import { type EngineServer, sessionIdOf } from "@fanfare/relay";

/** Seconds after which a refused client may come back; the stock one waits a random time around a second by itself. */
const retryAfter = "1";

/**
 * Refuses new sessions for which `verdict` has a reason, before any work is done for them. 503, so that a balancer tries
 * another node where it can; otherwise the client comes back by itself. Sessions that have begun go on.
 */
export function guardHandshakes(engine: EngineServer, verdict: () => ErrorCode | undefined): void {
  const handleRequest = engine.handleRequest.bind(engine);
  const handleUpgrade = engine.handleUpgrade.bind(engine);
  const refusal = ({ url, method }: IncomingMessage): FanfareError | undefined => {
    if (method !== "GET" || sessionIdOf(url) !== undefined) return undefined;
    const code = verdict();
    return code === undefined ? undefined : new FanfareError(code);
  };

  engine.handleRequest = (request, response) => {
    const error = refusal(request);
    if (error === undefined) return handleRequest(request, response);
    response.writeHead(503, {
      "content-type": "application/json",
      "retry-after": retryAfter,
      // Without these a browser tells its page nothing but that something failed.
      "access-control-allow-origin": request.headers.origin ?? "*",
      "access-control-allow-credentials": "true",
      vary: "Origin",
    });
    response.end(JSON.stringify(error.toBody()));
  };
  engine.handleUpgrade = (request, socket, head) => {
    if (refusal(request) === undefined) return handleUpgrade(request, socket, head);
    socket.on("error", () => undefined);
    socket.end(`HTTP/1.1 503 Service Unavailable\r\nRetry-After: ${retryAfter}\r\nConnection: close\r\n\r\n`);
  };
}

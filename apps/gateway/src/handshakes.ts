import { type IncomingMessage, STATUS_CODES } from "node:http";
import { hangUp } from "@fanfare/access";
import type { FanfareError } from "@fanfare/domain";
import { type EngineServer, sessionIdOf } from "@fanfare/relay";

/** Said where the error does not say when to come back; a stock client waits a random time around a second by itself. */
const retryAfterMs = 1_000;

interface Refusal {
  readonly error: FanfareError;
  readonly status: 429 | 503;
}

/**
 * Refuses new sessions for which `verdict` has a reason, before any work is done for them. What is the node's reason is a
 * 503, so that a balancer tries another node where it can; what is the caller's a 429. A stock client comes back by itself
 * from both. Sessions that have begun go on.
 */
export function guardHandshakes(engine: EngineServer, verdict: (request: IncomingMessage) => Refusal | undefined): void {
  const handleRequest = engine.handleRequest.bind(engine);
  const handleUpgrade = engine.handleUpgrade.bind(engine);
  const refusal = (request: IncomingMessage): Refusal | undefined =>
    request.method !== "GET" || sessionIdOf(request.url) !== undefined ? undefined : verdict(request);

  engine.handleRequest = (request, response) => {
    const refused = refusal(request);
    if (refused === undefined) return handleRequest(request, response);
    response.writeHead(refused.status, {
      "content-type": "application/json",
      "retry-after": seconds(refused.error),
      // Without these a browser tells its page nothing but that something failed.
      "access-control-allow-origin": request.headers.origin ?? "*",
      "access-control-allow-credentials": "true",
      vary: "Origin",
    });
    response.end(JSON.stringify(refused.error.toBody()));
  };
  engine.handleUpgrade = (request, socket, head) => {
    const refused = refusal(request);
    if (refused === undefined) return handleUpgrade(request, socket, head);
    const line = `${refused.status} ${STATUS_CODES[refused.status]}`;
    hangUp(socket, `HTTP/1.1 ${line}\r\nRetry-After: ${seconds(refused.error)}\r\nConnection: close\r\n\r\n`);
  };
}

function seconds(error: FanfareError): string {
  return String(Math.max(1, Math.ceil((error.retryAfterMs ?? retryAfterMs) / 1_000)));
}

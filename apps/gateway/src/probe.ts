import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { hangUp } from "@fanfare/access";
import type { Clock } from "@fanfare/domain";
import type { EngineServer } from "@fanfare/relay";

/** Probes that a node has open at the same time: they are anybody's, so they must not cost anything. */
const probesMax = 8;
const silentMsMax = 60_000;
const beginning = "begin\n";
const ending = "end\n";
/** RFC 6455, 1.3. */
const websocketGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/** A text frame `end`, then a close frame with 1000 (RFC 6455, 5.2 and 5.5.1). */
const lastFrames = Buffer.from([0x81, 3, ...Buffer.from("end"), 0x88, 2, 0x03, 0xe8]);

interface Probes {
  /** Ends those that are open. */
  stop(): void;
}

/**
 * Answers `fanfare doctor`, which wants to know what is between it and the node: `?transport=probe&silentMs=n` is answered with
 * a beginning, so many milliseconds of silence and an end, over a websocket if it is asked for. No session of ours is ever
 * silent for long, so that nothing else could show how long a balancer bears it, or that it holds back what has begun.
 *
 * To be called before handshakes are guarded, so that their limits hold for probes too.
 */
export function answerProbes(engine: EngineServer, clock: Pick<Clock, "after">): Probes {
  const open = new Set<Duplex>();
  const handleRequest = engine.handleRequest.bind(engine);
  const handleUpgrade = engine.handleUpgrade.bind(engine);

  /** Calls `end` after the silence, unless the other side was gone before. */
  const hold = (socket: Duplex, silentMs: number, end: () => void): void => {
    open.add(socket);
    const cancel = clock.after(silentMs, () => {
      over();
      end();
    });
    const over = () => {
      open.delete(socket);
      socket.off("close", over);
      cancel();
    };
    socket.once("close", over);
  };

  engine.handleRequest = (request, response) => {
    const silentMs = silenceWanted(request);
    if (silentMs === undefined) handleRequest(request, response);
    else if (open.size >= probesMax) response.writeHead(503, { "retry-after": "5" }).end();
    else {
      beginAnswer(response);
      hold(request.socket, silentMs, () => response.end(ending));
    }
  };
  engine.handleUpgrade = (request, socket, head) => {
    const silentMs = silenceWanted(request);
    const key = request.headers["sec-websocket-key"];
    if (silentMs === undefined) return handleUpgrade(request, socket, head);
    socket.on("error", () => undefined);
    if (open.size >= probesMax || key === undefined) {
      hangUp(socket, "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nConnection: close\r\n\r\n");
      return;
    }
    const accept = createHash("sha1").update(`${key}${websocketGuid}`).digest("base64");
    const head101 = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"];
    socket.write(`${head101.join("\r\n")}\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
    // Read and forget, or the end of the connection would not be seen behind it.
    socket.resume();
    hold(socket, silentMs, () => hangUp(socket, lastFrames));
  };
  return {
    stop() {
      for (const socket of open) socket.destroy();
    },
  };
}

/** With its length, as answers to polls have it: a proxy that buffers (nginx) hands chunks on, but waits for such a one. */
function beginAnswer(response: ServerResponse): void {
  const contentLength = beginning.length + ending.length;
  response.writeHead(200, { "content-type": "text/plain", "content-length": contentLength, "cache-control": "no-store" });
  response.write(beginning);
}

/** Undefined when it is no probe. */
function silenceWanted({ method, url = "" }: IncomingMessage): number | undefined {
  if (method !== "GET" || !url.includes("transport=probe")) return undefined;
  const query = new URLSearchParams(url.slice(url.indexOf("?") + 1));
  // A session is never mistaken for a probe, whatever its client put into its query.
  if (query.has("sid") || query.get("transport") !== "probe") return undefined;
  const silentMs = Number(query.get("silentMs"));
  return Number.isInteger(silentMs) && silentMs >= 0 ? Math.min(silentMs, silentMsMax) : 0;
}

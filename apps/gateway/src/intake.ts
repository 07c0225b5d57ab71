import { dismiss } from "./dismiss.ts";
import { type Arriving, type Counted, type Intake, isOpen } from "./lean/intake.ts";
import type { GatewayParts } from "./parts.ts";
import type { ClientSocket } from "./session.ts";

type IntakeParts = Pick<GatewayParts, "fanout" | "metrics" | "clock" | "limits">;

/**
 * Whoever sends too much is not read for so long, after each piece that the system hands over (64 KiB): with no pause, one such
 * client has the event loop for itself. A burst of an honest one still arrives at more than half a megabyte a second.
 */
const pauseMs = 100;
/** And for so long once it is closed: time for its goodbye to arrive. Then its connection is cut, or ws would read on for 30 s. */
const goodbyeMs = 3_000;

/** Has everything counted that a client sends and no request counts. */
export function countPackets(parts: IntakeParts): Intake {
  return (transport, connection) => {
    // Of the piece that was too much; what it says is not even looked at.
    if (transport.socket?.isPaused) return false;
    return refusal(parts, transport, connection) === 0;
  };
}

/**
 * Takes one from what a client may send, which its transport pays for. Answers 0, or for how many milliseconds it may send
 * nothing more: it is read slowly then, and whoever goes on for seconds is closed for good.
 */
export function refusal(parts: IntakeParts, transport: Arriving, connection: Counted | undefined): number {
  const refused = parts.limits?.requests.take(transport);
  if (refused === undefined) return 0;
  slowDown(transport, connection, parts);
  if (refused.final && isOpen(transport, connection)) end(transport, connection, parts);
  return refused.retryAfterMs;
}

function slowDown(transport: Arriving, connection: Counted | undefined, { clock }: IntakeParts): void {
  const { socket: websocket } = transport;
  if (websocket === undefined || websocket.isPaused) return;
  websocket.pause();
  if (!isOpen(transport, connection)) {
    clock.after(goodbyeMs, () => websocket.terminate());
    return;
  }
  clock.after(pauseMs, () => websocket.resume());
}

function end({ socket: websocket }: Arriving, connection: Counted, parts: IntakeParts): void {
  const sockets = [...(connection.client?.sockets.values() ?? [])] as ClientSocket[];
  for (const socket of sockets) dismiss(socket, "RATE_LIMITED", "too much, again and again", parts);
  if (sockets.length === 0) {
    parts.metrics.closings.inc({ code: "RATE_LIMITED" });
    connection.close();
  }
  // One that reads nothing is not waited for.
  parts.clock.after(goodbyeMs, () => {
    websocket?.terminate();
    connection.close(true);
  });
}

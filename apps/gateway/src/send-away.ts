import type { Clock } from "@fanfare/domain";
import type { Socket } from "socket.io";

type Connection = Socket["conn"];

/** A polling transport as Engine.IO 6.6 keeps it (lib/transports/polling.ts): the poll that waits for news, if one does. */
interface PollingTransport {
  readonly res: { destroy(): void } | null;
  readonly writable: boolean;
}

/** How long a polling client may take to fetch what it was told last. */
const lastPollMs = 1_000;

/**
 * Closes a connection in the way that its client comes back from, once what was said on it has gone out. Never
 * `socket.disconnect()`: whoever is disconnected by name stays away. Resolves when it is closed.
 */
export function sendAway(conn: Connection, clock: Pick<Clock, "after">): Promise<void> {
  if (conn.readyState === "closed") return Promise.resolve();
  return new Promise((resolve) => {
    conn.once("close", () => resolve());
    // An upgrade under way ends with it, and the client begins anew.
    if (conn.transport.name === "polling") endPolling(conn, clock);
    else conn.close();
  });
}

/**
 * Engine.IO's close packet would do for the stock client, but python-socketio takes it for a goodbye. Both come back from a
 * poll whose connection breaks, and from a next one that is answered with "Session ID unknown".
 */
function endPolling(conn: Connection, clock: Pick<Clock, "after">): void {
  const { transport } = conn;
  const polling = transport as unknown as PollingTransport;
  const unsent = conn as unknown as { readonly writeBuffer: readonly unknown[] };
  const breakPoll = (): void => {
    // While something goes out the transport is not writable; the next poll then shows that it has arrived.
    if (polling.writable && unsent.writeBuffer.length === 0) polling.res?.destroy();
  };
  const callOff = clock.after(lastPollMs, () => conn.close(true));
  conn.once("close", () => {
    callOff();
    transport.off("ready", breakPoll);
  });
  transport.on("ready", breakPoll);
  breakPoll();
}

import { catalogue } from "@fanfare/domain";
import type { Socket } from "socket.io";
import type { GatewayParts } from "./parts.ts";
import { Portions } from "./portions.ts";
import { sendAway } from "./send-away.ts";

const code = "TOO_SLOW";
const closing = { code, reason: catalogue[code].says, reconnect: true } as const;
/** A client that reads on gets everything it was sent, and the notice; one that does not is not waited for. */
const lastReadMs = 3_000;

/** Closes connections that read too slowly, in the way that their clients come back from: the log has what they missed. */
export function closeSlowClients({ fanout, clock }: Pick<GatewayParts, "fanout" | "clock">): void {
  const portions = new Portions(clock);
  fanout.onTooSlow((socket) => portions.add(() => close(socket)));

  function close(socket: Socket): void {
    const { conn } = socket;
    if (conn.readyState !== "open") return;
    fanout.send(socket, "fanfare:closing", closing);
    // `ws` on its own waits 30 s for the answer to its goodbye, with everything unsent in memory.
    const { socket: websocket } = conn.transport as unknown as { readonly socket?: { terminate(): void } };
    clock.after(lastReadMs, () =>
      portions.add(() => {
        websocket?.terminate();
        conn.close(true);
      }),
    );
    void sendAway(conn, clock);
  }
}

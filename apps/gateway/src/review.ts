import { asFanfareError } from "@fanfare/domain";
import type { Server } from "socket.io";
import type { GatewayParts } from "./parts.ts";
import { permit } from "./permit.ts";
import type { ClientSocket } from "./session.ts";

type ReviewParts = Pick<GatewayParts, "fanout" | "recovery" | "rules" | "authorizer" | "log">;

/** Connections that are gone through before others have their turn. */
const batch = 200;

/**
 * Ends the socket's subscriptions that are no longer allowed, and says so. One for which nobody can be asked now ends too:
 * nothing is allowed that nobody allows. Never rejects.
 */
export async function review(socket: ClientSocket, parts: ReviewParts): Promise<void> {
  const { fanout, recovery, log } = parts;
  for (const channel of fanout.channelsOf(socket)) {
    try {
      await permit(socket, parts, "subscribe", channel);
    } catch (thrown) {
      const { code, band } = asFanfareError(thrown);
      if (band === "bug") log.error({ err: thrown }, "review failed");
      await fanout.unsubscribe(socket, channel);
      fanout.send(socket, "fanfare:unsubscribed", { channel, code });
      // Where it cannot be written down now, the session is judged anew when it comes back.
      void recovery?.unsubscribed(socket, channel).catch(() => undefined);
    }
  }
}

/** Reviews everybody after every change of the rules. */
export function reviewOnChange(io: Server, parts: ReviewParts): void {
  let under: Promise<void> = Promise.resolve();
  parts.rules.onChange(() => {
    under = under.then(async () => {
      let count = 0;
      for (const socket of [...io.sockets.sockets.values()]) {
        await review(socket, parts);
        if (++count % batch === 0) await new Promise((resolve) => setImmediate(resolve));
      }
    });
  });
}

import { RevocationList } from "@fanfare/access";
import type { Server } from "socket.io";
import { dismiss, sendBack } from "./dismiss.ts";
import { Expiry } from "./expiry.ts";
import type { GatewayParts } from "./parts.ts";
import { type ClientSocket, identityOf } from "./session.ts";

/** Watches over the tokens of connections that are open. */
export interface TokenWatch {
  /** Goes by what the socket's identity says now, from now on. Call it for every connection, and when its identity has changed. */
  watch(socket: ClientSocket): void;
  stop(): void;
}

/** Closes connections whose token has expired or was revoked. */
export function watchTokens(io: Server, parts: GatewayParts): TokenWatch {
  const { clock, fanout, revocations, authorizer } = parts;
  const expiry = new Expiry({
    clock,
    expiring: (socket, inMs) => fanout.send(socket, "fanfare:expiring", { inMs }),
    expired: (socket) => sendBack(socket, "TOKEN_EXPIRED", "the token has expired: come back with a fresh one", parts),
  });
  const end = (socket: ClientSocket): void => dismiss(socket, "TOKEN_REVOKED", "the token has been revoked", parts);
  revocations?.onAdded((added) => {
    // What the application said of these users was said before.
    authorizer?.forget();
    const fresh = new RevocationList();
    fresh.replace(added);
    for (const socket of [...io.sockets.sockets.values()]) if (fresh.find(identityOf(socket)) !== undefined) end(socket);
  });
  return {
    watch(socket) {
      // It was asked when the client came; what was revoked since then found no connection to close.
      if (revocations?.find(identityOf(socket)) !== undefined) end(socket);
      else expiry.watch(socket);
    },
    stop() {
      expiry.stop();
      revocations?.stop();
    },
  };
}

import { authorize } from "@fanfare/access";
import { asFanfareError, type Channel } from "@fanfare/domain";
import type { GatewayParts } from "./parts.ts";
import { type ClientSocket, identityOf } from "./session.ts";

/**
 * Resolves when the client may do this with the channel, by the rules; where they want a grant that the client was not given,
 * the application is asked, if it wants to be. Rejects with `FORBIDDEN`, `UNAUTHENTICATED`, `NOT_SUBSCRIBED` or
 * `AUTHORIZER_UNAVAILABLE`.
 */
export async function permit(
  socket: ClientSocket,
  { rules, authorizer, fanout }: Pick<GatewayParts, "rules" | "authorizer" | "fanout">,
  action: "subscribe" | "publish",
  channel: Channel,
): Promise<void> {
  // The application has said yes already, and it is who the rules speak for.
  if (action === "subscribe" && socket.data.granted?.has(channel)) return;
  const identity = identityOf(socket);
  try {
    authorize(rules, action, channel, identity, fanout.isSubscribed(socket, channel));
  } catch (thrown) {
    if (authorizer === undefined || rules.of(channel)[action] !== "token") throw thrown;
    const question = { action, channel, user: identity.user ?? null, id: socket.id } as const;
    if (!(await authorizer.may(question))) throw asFanfareError(thrown);
  }
}

import { clientEvents, FanfareError, validator } from "@fanfare/domain";
import { identify } from "../identify.ts";
import { review } from "../review.ts";
import { identityOf } from "../session.ts";
import type { Handler } from "./handler.ts";

const parse = validator(clientEvents.RefreshRequest);

/**
 * `{ token }` → `{ expiresAt }`. What the fresh token grants holds from then on; what it no longer grants is unsubscribed.
 * `join` counts when a client connects only: what it has left since then it is not put into again.
 */
export const refresh: Handler = async (socket, parts, request) => {
  const identity = await identify(socket, parts, parse(request).token);
  const before = identityOf(socket);
  if (identity.user !== before.user) {
    throw new FanfareError("FORBIDDEN", { detail: "The token is another user's: connect anew with it." });
  }
  socket.data.identity = identity;
  parts.tokenWatch.watch(socket);
  await review(socket, parts);
  parts.presence?.changed(socket);
  return { expiresAt: identity.expiresAt ?? null };
};

import { identityOf } from "../session.ts";
import type { Handler } from "./handler.ts";

/** → `{ id, user, node, channels, recovered }` */
export const whoami: Handler = async (socket, { fanout, node }) => ({
  id: socket.id,
  user: identityOf(socket).user ?? null,
  node,
  channels: fanout.channelsOf(socket),
  recovered: socket.recovered,
});

import { channelName, clientEvents, validator } from "@fanfare/domain";
import type { GatewayParts } from "../parts.ts";
import type { ClientSocket } from "../session.ts";

const parse = validator(clientEvents.UnsubscribeRequest);

/** `{ channel }` or a plain channel name → `{ channel }`. Of a channel that was not subscribed to, too. */
export const unsubscribe = async (
  socket: ClientSocket,
  { fanout, recovery }: Pick<GatewayParts, "fanout" | "recovery">,
  request: unknown,
) => {
  const channel = channelName(typeof request === "string" ? request : parse(request).channel);
  socket.data.granted?.delete(channel);
  await fanout.unsubscribe(socket, channel);
  await recovery?.unsubscribed(socket, channel);
  return { channel };
};

import { channelName, clientEvents, validator } from "@fanfare/domain";
import type { Handler } from "./handler.ts";

const parse = validator(clientEvents.UnsubscribeRequest);

/** `{ channel }` or a plain channel name → `{ channel }`. Of a channel that was not subscribed to, too. */
export const unsubscribe: Handler = async ({ socket, fanout, recovery }, request) => {
  const channel = channelName(typeof request === "string" ? request : parse(request).channel);
  await fanout.unsubscribe(socket, channel);
  await recovery?.unsubscribed(socket, channel);
  return { channel };
};

import { authorize } from "@fanfare/access";
import { channelName, clientEvents, FanfareError, validator } from "@fanfare/domain";
import { identityOf } from "../session.ts";
import type { Handler } from "./handler.ts";

const parse = validator(clientEvents.PresenceRequest);

/**
 * `{ channel }` or a plain channel name → `{ channel, clients, users, version, members? }`, without `members` where there are
 * too many. `version` compares with that of `fanfare:presence`.
 */
export const presence: Handler = async (socket, { fanout, rules, presence: tracker }, request) => {
  const channel = channelName(typeof request === "string" ? request : parse(request).channel);
  authorize(rules, "presence", channel, identityOf(socket), fanout.isSubscribed(socket, channel));
  if (tracker === undefined) throw new FanfareError("PRESENCE_OFF");
  const { clients, users, version, members } = await tracker.read(channel);
  return { channel, clients, users, version, ...(members === undefined ? {} : { members }) };
};

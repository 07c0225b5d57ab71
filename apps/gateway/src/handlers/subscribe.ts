import { authorize } from "@fanfare/access";
import { channelName, clientEvents, FanfareError, limits, validator } from "@fanfare/domain";
import type { GatewayParts } from "../parts.ts";
import { permit } from "../permit.ts";
import { type ClientSocket, identityOf } from "../session.ts";
import type { Handler } from "./handler.ts";

const parse = validator(clientEvents.SubscribeRequest);

/** `{ channel, since?, rewind? }` or a plain channel name → `{ channel, epoch, offset, recovered, replayed }` */
export const subscribe: Handler = async (socket, parts, request) => {
  const { fanout, recovery } = parts;
  const asked = typeof request === "string" ? { channel: request } : parse(request);
  const { added, ...answer } = await subscribeTo(socket, parts, asked);
  if (added) {
    // A subscription that is not written down would be missing after a recovery, and nobody would notice.
    await recovery?.save(socket).catch(async (thrown) => {
      await fanout.unsubscribe(socket, answer.channel);
      await recovery.unsubscribed(socket, answer.channel).catch(() => undefined);
      throw thrown;
    });
  }
  return answer;
};

/** The same for what a connection subscribes to when it opens; its session is written down once, by the caller. */
export async function subscribeTo(socket: ClientSocket, parts: GatewayParts, request: clientEvents.SubscribeRequest) {
  const { fanout, recovery, rules } = parts;
  const channel = channelName(request.channel);
  const { revision } = rules;
  const identity = identityOf(socket);
  await permit(socket, parts, "subscribe", channel);
  const subscribed = fanout.isSubscribed(socket, channel);
  const entering = socket.data.entering ?? 0;
  if (!subscribed && fanout.channelsOf(socket).length + entering >= limits.subscriptionsMax) {
    throw new FanfareError("SUBSCRIPTIONS_EXCEEDED", {
      detail: `A connection may have ${limits.subscriptionsMax} subscriptions.`,
    });
  }
  // Replaying is reading history: since and rewind are for those who may do that, or who were there.
  if (request.rewind !== undefined) authorize(rules, "history", channel, identityOf(socket), true);
  socket.data.entering = entering + 1;
  const { recovered, replayed, ...joined } = await fanout.subscribe(socket, channel, request).finally(() => {
    socket.data.entering = (socket.data.entering ?? 1) - 1;
  });
  // A change of the rules or of the token goes through the channels that a connection is in, and it was not in this one yet.
  if (rules.revision !== revision || identityOf(socket) !== identity) {
    await permit(socket, parts, "subscribe", channel).catch(async (thrown: unknown) => {
      await fanout.unsubscribe(socket, channel);
      throw thrown;
    });
  }
  if (!subscribed) recovery?.subscribed(socket, joined.channel, joined);
  return { added: !subscribed, ...joined, recovered, replayed };
}

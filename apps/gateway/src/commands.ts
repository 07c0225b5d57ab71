import {
  asFanfareError,
  type CommandAnswer,
  type CommandTarget,
  channelName,
  eventName,
  NodeCommand,
  validator,
} from "@fanfare/domain";
import type { Server } from "socket.io";
import { subscribeTo } from "./handlers/subscribe.ts";
import { unsubscribe } from "./handlers/unsubscribe.ts";
import type { GatewayParts } from "./parts.ts";
import { sendAway } from "./send-away.ts";
import { type ClientSocket, identityOf } from "./session.ts";

const parse = validator(NodeCommand);

/** Carries out what the application wants done with connections of this node. Rejects with `REQUEST_INVALID`. */
export type Obey = (command: unknown) => Promise<CommandAnswer>;

export function obeyer(io: Server, parts: GatewayParts): Obey {
  return async (given) => {
    const command = parse(given);
    const sockets = socketsOf(io, command.target);
    const act = actOf(command, parts);
    const refusals = await Promise.all(
      sockets.map(async (socket) => {
        try {
          await act(socket);
          return undefined;
        } catch (thrown) {
          const { code, message, band } = asFanfareError(thrown);
          if (band === "bug") parts.log.error({ err: thrown, act: command.act }, "command failed");
          return { id: socket.id, code, message };
        }
      }),
    );
    const refused = refusals.filter((refusal) => refusal !== undefined);
    return { applied: sockets.length - refused.length, refused };
  };
}

/** A user's are looked for among all: an index of users would cost every connection, and commands are few. */
function socketsOf(io: Server, target: CommandTarget): ClientSocket[] {
  const { sockets } = io.sockets;
  if ("user" in target) return [...sockets.values()].filter((socket) => identityOf(socket).user === target.user);
  const socket = sockets.get(target.id);
  return socket === undefined ? [] : [socket];
}

function actOf(command: NodeCommand, parts: GatewayParts): (socket: ClientSocket) => Promise<void> {
  const { fanout } = parts;
  switch (command.act) {
    case "disconnect":
      return async (socket) => disconnect(socket, command, parts);
    case "subscribe":
      return (socket) => subscribeByServer(socket, command.channel, parts);
    case "unsubscribe":
      return (socket) => unsubscribeByServer(socket, command.channel, parts);
    case "emit": {
      const event = eventName(command.event);
      const context = { at: parts.clock.now() };
      // As many arguments as a publication has, and no string at the end: stock clients would take it for a bookmark.
      return async (socket) => fanout.sendText(socket, event, command.json, context, null);
    }
  }
}

function disconnect(
  socket: ClientSocket,
  { reconnect, code, reason }: Extract<NodeCommand, { act: "disconnect" }>,
  { fanout, metrics, clock }: GatewayParts,
): void {
  // Under one name: the code is the application's to choose, and a label's values are few.
  metrics.closings.inc({ code: "ENDED_BY_SERVER" });
  fanout.send(socket, "fanfare:closing", { code, reason, reconnect });
  if (reconnect) void sendAway(socket.conn, clock);
  else socket.disconnect(true);
}

/** It lasts as long as the session, over reconnects, changes of the rules and fresh tokens, until either side ends it. */
async function subscribeByServer(socket: ClientSocket, name: string, parts: GatewayParts): Promise<void> {
  const { fanout, recovery } = parts;
  const channel = channelName(name);
  const granted = socket.data.granted ?? new Set();
  const before = granted.has(channel);
  socket.data.granted = granted.add(channel);
  let joined = false;
  try {
    const { added, epoch, offset } = await subscribeTo(socket, parts, { channel });
    joined = added;
    // What is not written down would be missing after a recovery, and nobody would notice.
    await recovery?.save(socket);
    if (added) fanout.send(socket, "fanfare:subscribed", { channel, epoch, offset });
  } catch (thrown) {
    if (!before) granted.delete(channel);
    if (joined) {
      await fanout.unsubscribe(socket, channel);
      await recovery?.unsubscribed(socket, channel).catch(() => undefined);
    }
    throw thrown;
  }
}

async function unsubscribeByServer(socket: ClientSocket, channel: string, parts: GatewayParts): Promise<void> {
  const { fanout } = parts;
  const subscribed = fanout.isSubscribed(socket, channelName(channel));
  await unsubscribe(socket, parts, channel);
  if (subscribed) fanout.send(socket, "fanfare:unsubscribed", { channel, code: "ENDED_BY_SERVER" });
}

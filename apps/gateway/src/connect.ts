import { anonymous, authorize, type Identity } from "@fanfare/access";
import { asFanfareError, type Channel, channelName, clientEvents, FanfareError, limits, validator } from "@fanfare/domain";
import type { ExtendedError, Server } from "socket.io";
import { subscribeTo } from "./handlers/subscribe.ts";
import type { GatewayParts } from "./parts.ts";
import { answerRequests } from "./requests.ts";
import { type ClientSocket, identityOf } from "./session.ts";

const parseAuth = validator(clientEvents.ConnectAuth);
/** Between two tries to subscribe a connection to its first channels while the broker is away. */
const retryMs = 1_000;

/** Lets clients in: who they are first, then the channels they came for. */
export function acceptConnections(io: Server, parts: GatewayParts): void {
  io.use((socket: ClientSocket, next) => {
    identify(socket, parts).then(
      () => next(),
      (thrown) => next(connectError(thrown, parts)),
    );
  });
  io.on("connection", (socket: ClientSocket) => {
    answerRequests(socket, parts);
    void welcome(socket, parts);
  });
}

async function identify(socket: ClientSocket, { tokens }: GatewayParts): Promise<void> {
  const auth = parseAuth(socket.handshake.auth);
  // Before any work is done for it: a malformed name is the connection's mistake as a whole.
  firstChannels(socket, anonymous);
  if (auth.token === undefined) socket.data.identity = anonymous;
  else if (tokens === undefined)
    throw new FanfareError("TOKEN_INVALID", { detail: "This server has no key to check tokens with." });
  else socket.data.identity = await tokens.verify(auth.token);
}

/** What the client reads as `err.message` and `err.data` in its `connect_error`. */
function connectError(thrown: unknown, { log, metrics }: GatewayParts): ExtendedError {
  const error = asFanfareError(thrown);
  metrics.connectionErrors.inc({ code: error.code });
  if (error.band === "bug") log.error({ err: thrown }, "connection failed");
  return Object.assign(new Error(error.message), { data: error.toBody() });
}

/** The channels of `auth.channels`, of `?channel=` and of the token's `join`. Throws `CHANNEL_INVALID`. */
function firstChannels(socket: ClientSocket, identity: Identity): Channel[] {
  const { channels = [] } = socket.handshake.auth as clientEvents.ConnectAuth;
  const { channel: query = [] }: { channel?: unknown } = socket.handshake.query;
  // `?channel=a&channel=b`, or `a,b` as clients print a list: no channel has a comma in its name.
  const queried = (Array.isArray(query) ? query : [query]).flatMap((text) => String(text).split(","));
  const asked = [...channels, ...queried].map(channelName);
  const all = new Set([...identity.join, ...asked]);
  if (all.size > limits.subscriptionsMax) throw new FanfareError("SUBSCRIPTIONS_EXCEEDED");
  return [...all];
}

async function welcome(socket: ClientSocket, parts: GatewayParts): Promise<void> {
  const { fanout, node, rules } = parts;
  const identity = identityOf(socket);
  for (const channel of firstChannels(socket, identity)) {
    try {
      authorize(rules, "subscribe", channel, identity, false);
      await subscribeInTime(socket, parts, channel);
    } catch (thrown) {
      fanout.send(socket, "fanfare:unsubscribed", { channel, code: asFanfareError(thrown).code });
    }
  }
  const greeting = { id: socket.id, user: identity.user ?? null, node, channels: fanout.channelsOf(socket) };
  fanout.send(socket, "fanfare:welcome", greeting);
}

/** While the broker is away the connection stays and is subscribed as soon as it is back. */
async function subscribeInTime(socket: ClientSocket, parts: GatewayParts, channel: Channel): Promise<void> {
  while (socket.connected) {
    try {
      await subscribeTo({ ...parts, socket }, { channel });
      return;
    } catch (thrown) {
      if (asFanfareError(thrown).band !== "dependency") throw thrown;
      await new Promise<void>((resolve) => void parts.clock.after(retryMs, resolve));
    }
  }
}

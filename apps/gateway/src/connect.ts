import { anonymous, type Identity, trustedProxies } from "@fanfare/access";
import { asFanfareError, type Channel, channelName, clientEvents, FanfareError, limits, pause, validator } from "@fanfare/domain";
import type { ExtendedError, Server } from "socket.io";
import { subscribeTo } from "./handlers/subscribe.ts";
import { identify } from "./identify.ts";
import { forgetHandshake } from "./lean/socket.ts";
import { inOneWrite } from "./lean/websocket.ts";
import type { GatewayParts } from "./parts.ts";
import { permit } from "./permit.ts";
import type { Resumption } from "./recovery.ts";
import { answerRequests } from "./requests.ts";
import { review, reviewOnChange } from "./review.ts";
import { type ClientSocket, identityOf } from "./session.ts";
import { watchTokens } from "./watch-tokens.ts";

const parseAuth = validator(clientEvents.ConnectAuth);
/** Between two tries to subscribe a connection to its channels while the broker is away. */
const retryMs = 1_000;

/**
 * Lets clients in: who they are first, then the session they come back to, then the channels they came for. The returned
 * function ends what watches over them afterwards.
 */
export function acceptConnections(io: Server, parts: GatewayParts): () => void {
  const resumptions = new WeakMap<ClientSocket, Resumption>();
  const tokenWatch = watchTokens(io, parts);
  const handlerParts = { ...parts, tokenWatch, trusted: trustedProxies(parts.settings.trustedProxies) };
  reviewOnChange(io, parts);
  io.use((socket: ClientSocket, next) => {
    admit(socket).then(
      () => {
        inOneWrite(socket);
        next();
      },
      (thrown) => {
        const error = asFanfareError(thrown);
        parts.metrics.connectionErrors.inc({ code: error.code });
        if (error.band === "bug") parts.log.error({ err: thrown }, "connection failed");
        // A refusal keeps a stock client away for good; a lost transport makes it try again.
        if (error.band === "dependency") socket.conn.close();
        // Also of a connection that is closed: Socket.IO keeps a socket until it hears what became of it.
        next(connectError(error));
      },
    );
  });
  const answer = answerRequests(handlerParts);
  io.on("connection", (socket: ClientSocket) => {
    answer(socket);
    tokenWatch.watch(socket);
    settle(socket, parts, resumptions.get(socket))
      .catch((err) => parts.log.error({ err }, "welcome failed"))
      // The application may be asked again, and then by what the client came with.
      .finally(() => parts.authorizer === undefined && forgetHandshake(socket));
  });

  async function admit(socket: ClientSocket): Promise<void> {
    const { token } = parseAuth(socket.handshake.auth);
    // Before any work is done for it: a malformed name is the connection's mistake as a whole.
    firstChannels(socket, anonymous);
    socket.data.identity = await identify(socket, handlerParts, token);
    const resumption = await parts.recovery?.admit(io.of("/"), socket);
    if (resumption !== undefined) resumptions.set(socket, resumption);
    if (socket.handshake.auth.pid !== undefined) {
      parts.metrics.recoveries.inc({ outcome: resumption === undefined ? "unknown" : "resumed" });
    }
    const { user } = identityOf(socket);
    if (user !== undefined) await parts.limits?.countUser(user, socket.conn, resumption !== undefined);
  }
  return () => tokenWatch.stop();
}

/** What the client reads as `err.message` and `err.data` in its `connect_error`. */
function connectError(error: FanfareError): ExtendedError {
  return Object.assign(new Error(error.message), { data: error.toBody() });
}

/** The channels of `auth.channels`, of `?channel=` and of the token's `join`. Throws `CHANNEL_INVALID`. */
function firstChannels(socket: ClientSocket, identity: Identity): Channel[] {
  const { channels = [] } = socket.handshake.auth as clientEvents.ConnectAuth;
  const { channel: query }: { channel?: unknown } = socket.handshake.query;
  // `?channel=a&channel=b`, or `a,b` as clients print a list: no channel has a comma in its name.
  const queried = query === undefined ? [] : (Array.isArray(query) ? query : [query]).flatMap((text) => String(text).split(","));
  const asked = [...channels, ...queried].map(channelName);
  const all = new Set([...identity.join, ...asked]);
  if (all.size > limits.subscriptionsMax) throw new FanfareError("SUBSCRIPTIONS_EXCEEDED");
  return [...all];
}

/** Brings a connected socket to its channels and greets it. */
async function settle(socket: ClientSocket, parts: GatewayParts, resumption: Resumption | undefined): Promise<void> {
  const { recovery } = parts;
  const first = resumption === undefined ? firstChannels(socket, identityOf(socket)) : [];
  if (resumption !== undefined) await resume(socket, parts, resumption);
  else if (first.length > 0) await subscribeToFirst(socket, parts, first);
  const subscribed = parts.fanout.channelsOf(socket).length > 0;
  // Without channels there is nothing to lose yet: such a client is greeted in the turn in which it connects.
  if (recovery === undefined || resumption !== undefined || !subscribed) {
    if (resumption === undefined) recovery?.saveSoon(socket);
    greet(socket, parts, recovery !== undefined);
  } else greet(socket, parts, (await whenBrokerAnswers(socket, parts, () => recovery.save(socket).then(() => true))) ?? false);
}

/** `kept`: only a session that is written down can be taken up again, so only then is there a bookmark to start from. */
function greet(socket: ClientSocket, { fanout, node }: GatewayParts, kept: boolean): void {
  if (!socket.connected) return;
  const user = identityOf(socket).user ?? null;
  const greeting = { id: socket.id, user, node, channels: fanout.channelsOf(socket) };
  fanout.send(socket, "fanfare:welcome", greeting, ...(kept ? [fanout.bookmarkOf(socket)] : []));
}

/** What it may no longer subscribe to, a session does not get back. */
async function resume(socket: ClientSocket, parts: GatewayParts, { channels, bookmark }: Resumption): Promise<void> {
  const { fanout, rules, recovery } = parts;
  const { revision } = rules;
  const identity = identityOf(socket);
  const permitted = async (channel: Channel): Promise<boolean> => {
    try {
      await whenBrokerAnswers(socket, parts, () => permit(socket, parts, "subscribe", channel));
      return true;
    } catch (thrown) {
      fanout.send(socket, "fanfare:unsubscribed", { channel, code: asFanfareError(thrown).code });
      void recovery?.unsubscribed(socket, channel).catch(() => undefined);
      return false;
    }
  };
  const verdicts = await Promise.all(channels.map(([channel]) => permitted(channel)));
  const allowed = channels.filter((_, index) => verdicts[index]);
  const resumed = await whenBrokerAnswers(socket, parts, () => fanout.resume(socket, allowed, bookmark));
  if (resumed === false) socket.conn.close();
  // A change of the rules or of the token goes through the channels that a connection is in, and it was in none yet.
  else if (rules.revision !== revision || identityOf(socket) !== identity) await review(socket, parts);
}

async function subscribeToFirst(socket: ClientSocket, parts: GatewayParts, channels: readonly Channel[]): Promise<void> {
  for (const channel of channels) {
    try {
      await whenBrokerAnswers(socket, parts, () => subscribeTo(socket, parts, { channel }));
    } catch (thrown) {
      parts.fanout.send(socket, "fanfare:unsubscribed", { channel, code: asFanfareError(thrown).code });
    }
  }
}

/** While the broker is away the connection stays, and gets its channels when it is back. */
async function whenBrokerAnswers<Value>(
  socket: ClientSocket,
  { clock }: GatewayParts,
  act: () => Promise<Value>,
): Promise<Value | undefined> {
  while (socket.connected) {
    try {
      return await act();
    } catch (thrown) {
      if (asFanfareError(thrown).band !== "dependency") throw thrown;
      await pause(retryMs, clock);
    }
  }
  return undefined;
}

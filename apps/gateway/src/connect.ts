import { anonymous, authorize, type Identity } from "@fanfare/access";
import { asFanfareError, type Channel, channelName, clientEvents, FanfareError, limits, pause, validator } from "@fanfare/domain";
import type { ExtendedError, Server } from "socket.io";
import { subscribeTo } from "./handlers/subscribe.ts";
import type { GatewayParts } from "./parts.ts";
import type { Resumption } from "./recovery.ts";
import { answerRequests } from "./requests.ts";
import { type ClientSocket, identityOf } from "./session.ts";

const parseAuth = validator(clientEvents.ConnectAuth);
/** Between two tries to subscribe a connection to its channels while the broker is away. */
const retryMs = 1_000;

/** Lets clients in: who they are first, then the session they come back to, then the channels they came for. */
export function acceptConnections(io: Server, parts: GatewayParts): void {
  const resumptions = new WeakMap<ClientSocket, Resumption>();
  io.use((socket: ClientSocket, next) => {
    admit(socket).then(
      () => next(),
      (thrown) => {
        const error = asFanfareError(thrown);
        parts.metrics.connectionErrors.inc({ code: error.code });
        if (error.band === "bug") parts.log.error({ err: thrown }, "connection failed");
        // A refusal keeps a stock client away for good; a lost transport makes it try again.
        if (error.band === "dependency") socket.conn.close();
        else next(connectError(error));
      },
    );
  });
  io.on("connection", (socket: ClientSocket) => {
    answerRequests(socket, parts);
    settle(socket, parts, resumptions.get(socket)).catch((err) => parts.log.error({ err }, "welcome failed"));
  });

  async function admit(socket: ClientSocket): Promise<void> {
    socket.data.identity = await identify(socket, parts);
    const resumption = await parts.recovery?.admit(io.of("/"), socket);
    if (resumption !== undefined) resumptions.set(socket, resumption);
  }
}

async function identify(socket: ClientSocket, { tokens }: GatewayParts): Promise<Identity> {
  const auth = parseAuth(socket.handshake.auth);
  // Before any work is done for it: a malformed name is the connection's mistake as a whole.
  firstChannels(socket, anonymous);
  if (auth.token === undefined) return anonymous;
  if (tokens !== undefined) return tokens.verify(auth.token);
  throw new FanfareError("TOKEN_INVALID", { detail: "This server has no key to check tokens with." });
}

/** What the client reads as `err.message` and `err.data` in its `connect_error`. */
function connectError(error: FanfareError): ExtendedError {
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

/** Brings a connected socket to its channels and greets it. */
async function settle(socket: ClientSocket, parts: GatewayParts, resumption: Resumption | undefined): Promise<void> {
  const { fanout, node } = parts;
  if (resumption !== undefined) await resume(socket, parts, resumption);
  else await subscribeToFirst(socket, parts);
  const kept = await writtenDown(socket, parts, resumption);
  if (!socket.connected) return;
  const user = identityOf(socket).user ?? null;
  const greeting = { id: socket.id, user, node, channels: fanout.channelsOf(socket) };
  // Only a session that is written down can be taken up again, so only then is there a bookmark to start from.
  fanout.send(socket, "fanfare:welcome", greeting, ...(kept ? [fanout.bookmarkOf(socket)] : []));
}

/** Whether the broker has the session's record. One that was taken up has brought it along. */
async function writtenDown(socket: ClientSocket, parts: GatewayParts, resumption: Resumption | undefined): Promise<boolean> {
  const { fanout, recovery } = parts;
  if (recovery === undefined || resumption !== undefined) return recovery !== undefined;
  const write = (): Promise<boolean> => recovery.save(socket).then(() => true);
  // Without channels there is nothing to lose yet: such a client is greeted at once.
  if (fanout.channelsOf(socket).length === 0) return write().catch(() => false);
  return (await whenBrokerAnswers(socket, parts, write)) ?? false;
}

/** What it may no longer subscribe to, a session does not get back. */
async function resume(socket: ClientSocket, parts: GatewayParts, { channels, bookmark }: Resumption): Promise<void> {
  const { fanout, rules, recovery } = parts;
  const allowed = channels.filter(([channel]) => {
    try {
      authorize(rules, "subscribe", channel, identityOf(socket), false);
      return true;
    } catch (thrown) {
      fanout.send(socket, "fanfare:unsubscribed", { channel, code: asFanfareError(thrown).code });
      void recovery?.unsubscribed(socket, channel).catch(() => undefined);
      return false;
    }
  });
  const resumed = await whenBrokerAnswers(socket, parts, () => fanout.resume(socket, allowed, bookmark));
  if (resumed === false) socket.conn.close();
}

async function subscribeToFirst(socket: ClientSocket, parts: GatewayParts): Promise<void> {
  for (const channel of firstChannels(socket, identityOf(socket))) {
    try {
      await whenBrokerAnswers(socket, parts, () => subscribeTo({ ...parts, socket }, { channel }));
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

import { createTokenVerifier, LiveRules, parseRules, signToken } from "@fanfare/access";
import { openBackend } from "@fanfare/broker";
import { type Broker, channelOfRoom, limits, type RulesFile, systemClock } from "@fanfare/domain";
import { Fanout } from "@fanfare/fanout";
import { createLog, createMetrics } from "@fanfare/telemetry";
import { until } from "@fanfare/test-support";
import fc from "fast-check";
import type { Server } from "socket.io";
import { io as connect, type Socket } from "socket.io-client";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { acceptConnections } from "./connect.ts";
import { type Gateway, startGateway } from "./gateway.ts";
import { observeFanout } from "./observe.ts";
import { Recovery } from "./recovery.ts";
import { RevocationWatch } from "./revocation-watch.ts";
import { identityOf } from "./session.ts";

/*
 * No client is ever in a room outside its grants: random clients with random tokens ask for what they may and may not have,
 * while tokens are refreshed and revoked and rules change, all at once. A real gateway, stock clients, and a judge that knows
 * the tokens that were made, the rules that were written, and nothing of how either is checked.
 */

const secret = "0123456789abcdef0123456789abcdef";
const log = createLog({ name: "test", level: "silent" });
const namespaces = ["open", "users", "granted", "asked", "shut"] as const;

interface Claims {
  readonly user?: string;
  readonly channels?: readonly string[];
}

const rules = new LiveRules(parseRules({}));
const backend = openBackend({ cluster: "test", log });
const claimsOf = new Map<string, Claims>();
const revoked = new Set<string>();
let written: RulesFile = {};
/** While it is pending the broker answers nobody. */
let shut: Promise<void> = Promise.resolve();
let server: Server;
let gateway: Gateway;
let revocations: RevocationWatch;
const counts = { joined: 0, refused: 0, ended: 0, closed: 0 };

beforeAll(async () => {
  const { pubSub, directory, registry, sessions } = backend;
  // As far away as one in another building: what is decided before it answers may no longer hold afterwards.
  const broker: Broker = new Proxy(backend.broker, {
    get(near, name) {
      const member: unknown = Reflect.get(near, name, near);
      if (typeof member !== "function") return member;
      return async (...args: unknown[]) => {
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 10));
        await shut;
        return member.apply(near, args);
      };
    },
  });
  const metrics = createMetrics({ app: "gateway" });
  const clock = systemClock;
  const fanout = new Fanout({
    broker,
    pubSub,
    cluster: "test",
    node: "a",
    bookmarks: true,
    clock,
    retention: (channel) => rules.of(channel).retain,
    slow: () => "disconnect",
    bufferBytesMax: 1_000_000,
    flushMsMax: 5,
    observer: observeFanout(metrics),
  });
  revocations = new RevocationWatch({ revocations: backend.revocations, clock, log });
  gateway = await startGateway(
    {
      node: "a",
      version: "0.0.0",
      settings: {
        host: "127.0.0.1",
        port: 0,
        peerPort: 0,
        origins: ["*"],
        drainMs: 0,
        drainStatus: "503",
        forward: "off",
        acceptPerSecond: 10_000,
        compression: "off",
        pingIntervalMs: 25_000,
        pingTimeoutMs: 20_000,
        rebalance: "off",
        rebalancePerSecond: 1,
        events: "off",
        rebalanceFloor: 1_000,
        trustedProxies: [],
      },
      broker,
      directory,
      registry,
      fanout,
      recovery: new Recovery({ sessions, fanout, node: "a", clock, log }),
      presence: undefined,
      limits: undefined,
      rules,
      tokens: createTokenVerifier({ secret }),
      // The application grants the channels whose name it would have made.
      authorizer: {
        connect: async (_, byToken) => byToken,
        may: async ({ channel, user }) => channel === `asked:${user}`,
        forget: () => undefined,
      },
      revocations,
      clock,
      log,
      metrics,
    },
    {
      accept(io, parts) {
        server = io;
        return acceptConnections(io, parts);
      },
    },
  );
});
afterAll(async () => {
  await gateway.close();
  await backend.close();
});

/** Said once more, in the words of docs/RULES.md. */
function mayBeIn(channel: string, { user, channels = [] }: Claims): boolean {
  const namespace = channel.split(":")[0] ?? "";
  if (namespace === "user") return user !== undefined && channel === `user:${user}`;
  const audience = written.namespaces?.[namespace]?.subscribe ?? "nobody";
  if (audience === "anyone") return true;
  if (audience === "user") return user !== undefined;
  const granted = channels.some((grant) => grant === channel || (grant.endsWith(":*") && channel.startsWith(grant.slice(0, -1))));
  return audience === "token" && (granted || (user !== undefined && channel === `asked:${user}`));
}

/** What is wrong now, if anything is. */
function outside(): string | undefined {
  for (const socket of server.sockets.sockets.values()) {
    const { tokenId } = identityOf(socket);
    if (tokenId !== undefined && revoked.has(tokenId)) return `${socket.id} is here with a token that was revoked`;
    const claims = tokenId === undefined ? {} : (claimsOf.get(tokenId) ?? {});
    for (const room of socket.rooms) {
      if (room === socket.id) continue;
      const channel = channelOfRoom(room);
      if (channel === undefined) return `${socket.id} is in ${room}`;
      if (!mayBeIn(channel, claims))
        return `${socket.id}, ${JSON.stringify(claims)}, is in ${channel}: ${JSON.stringify(written)}`;
    }
  }
  return undefined;
}

async function tokenOf(claims: Claims): Promise<string> {
  const token = await signToken({ secret, ...claims, ttlSeconds: 600 });
  const { jti } = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()) as { jti: string };
  claimsOf.set(jti, claims);
  return token;
}

const user = fc.constantFrom("ada", "eve");
const channel = fc.oneof(
  fc.tuple(fc.constantFrom(...namespaces), fc.constantFrom("1", "2", "ada", "eve")).map(([name, rest]) => `${name}:${rest}`),
  user.map((name) => `user:${name}`),
);
const grant = fc.oneof(
  channel,
  fc.constantFrom(...namespaces).map((name) => `${name}:*`),
);
const claims = fc.record({ user, channels: fc.array(grant, { maxLength: 3 }) }, { requiredKeys: [] });
const file = fc
  .record(Object.fromEntries(namespaces.map((name) => [name, fc.constantFrom("anyone", "user", "token", "nobody" as const)])))
  .map((audiences) => ({
    namespaces: Object.fromEntries(Object.entries(audiences).map(([name, subscribe]) => [name, { subscribe }])),
  })) as fc.Arbitrary<RulesFile>;
const client = fc.nat(3);
/** What no channel is called. `SID` becomes the session id of another client, whose private room has this very name. */
const hostile = fc.constantFrom<unknown>("SID", "{0}SID", "{0}open:1", "open:1}", "", "*", "open:*", "__proto__", null, 7, [
  "open:1",
]);

const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("subscribe" as const), client, channel }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("attack" as const), client, hostile }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("refresh" as const), client, claims }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("break" as const), client }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("rules" as const), file }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("revoke" as const), client }) },
);
type Step = typeof step extends fc.Arbitrary<infer Made> ? Made : never;

async function play(one: Step, sockets: readonly Socket[]): Promise<void> {
  if (one.kind === "rules") {
    written = one.file;
    rules.replace(parseRules(one.file));
    return;
  }
  const socket = sockets[one.client];
  if (socket === undefined || !socket.connected) return;
  const ask = async (event: string, request: unknown) => {
    // Whoever is cut off gets no answer.
    const answer = await socket
      .timeout(1_000)
      .emitWithAck(event, request)
      .catch(() => ({ ok: undefined }));
    if (answer.ok === true && event === "subscribe") counts.joined++;
    if (answer.ok === false) counts.refused++;
  };
  switch (one.kind) {
    case "subscribe":
      return ask("subscribe", one.channel);
    case "attack": {
      const sid = sockets.find((other) => other !== socket)?.id ?? "";
      const name = typeof one.hostile === "string" ? one.hostile.replace("SID", sid) : one.hostile;
      return ask("subscribe", one.hostile === "SID" ? { channel: name } : name);
    }
    case "refresh":
      return ask("refresh", { token: await tokenOf(one.claims) });
    case "break":
      socket.io.engine?.close();
      return;
    case "revoke": {
      const sid = socket.id ?? "";
      const held = server.sockets.sockets.get(sid);
      const tokenId = held === undefined ? undefined : identityOf(held).tokenId;
      if (tokenId === undefined) return;
      revoked.add(tokenId);
      await backend.revocations.add({ id: tokenId, tokenId, at: Date.now(), endsAt: Date.now() + 600_000 });
      return revocations.compare();
    }
  }
}

/** What is asked of the broker from now on is answered when the returned function is called. */
function shutBroker(): () => void {
  let open = (): void => undefined;
  shut = new Promise((resolve) => {
    open = resolve;
  });
  return open;
}

async function connected(auth: object): Promise<Socket> {
  const options = { transports: ["websocket"], forceNew: true, reconnectionDelay: 10, reconnectionDelayMax: 20 };
  const socket = connect(`http://127.0.0.1:${gateway.port}`, { ...options, auth });
  socket.on("fanfare:unsubscribed", () => counts.ended++);
  socket.on("fanfare:closing", () => counts.closed++);
  await new Promise((resolve) => socket.once("fanfare:welcome", resolve));
  onTestFinished(() => void socket.disconnect());
  return socket;
}

test("a connection has no more subscriptions than it may, also when it asks for all of them at once", async () => {
  written = { namespaces: { open: { subscribe: "anyone" } } };
  rules.replace(parseRules(written));
  const socket = await connected({ channels: ["open:first"] });
  const answers = await Promise.all(Array.from({ length: 300 }, (_, n) => socket.emitWithAck("subscribe", `open:${n}`)));
  expect(answers.filter(({ ok }) => ok)).toHaveLength(limits.subscriptionsMax - 1);
  const { channels } = await socket.emitWithAck("whoami", {});
  expect(channels).toHaveLength(limits.subscriptionsMax);
  await socket.emitWithAck("unsubscribe", "open:first");
  expect(await socket.emitWithAck("subscribe", "open:last")).toMatchObject({ ok: true });
});

test.each(["the token", "the rules"])(
  "a channel that %s no longer allow when the broker answers is not entered",
  async (change) => {
    written = { namespaces: { granted: { subscribe: "token" } } };
    rules.replace(parseRules(written));
    const socket = await connected({ token: await tokenOf({ channels: ["granted:*"] }) });
    const open = shutBroker();
    const answer = socket.emitWithAck("subscribe", "granted:race");
    // The second comes behind the first.
    await socket.emitWithAck("echo", 1);
    if (change === "the token") await socket.emitWithAck("refresh", { token: await tokenOf({}) });
    else {
      written = { namespaces: { granted: { subscribe: "nobody" } } };
      rules.replace(parseRules(written));
    }
    open();
    expect(await answer).toMatchObject({ ok: false, error: { code: "FORBIDDEN" } });
    expect(outside()).toBeUndefined();
    expect(await socket.emitWithAck("whoami", {})).toMatchObject({ channels: [] });
  },
);

test("a session is not brought back into a channel that the rules have shut while the broker was asked for it", async () => {
  written = { namespaces: { open: { subscribe: "anyone" } } };
  rules.replace(parseRules(written));
  const socket = await connected({ channels: ["open:back"] });
  const id = socket.id;
  socket.io.engine?.close();
  await until(() => (socket.connected ? "still connected" : undefined));
  const open = shutBroker();
  await until(() => (socket.connected && socket.recovered ? undefined : "not back"));
  expect(socket.id).toBe(id);
  written = {};
  rules.replace(parseRules(written));
  const told = new Promise((resolve) => socket.once("fanfare:unsubscribed", resolve));
  open();
  expect(await told).toEqual({ channel: "open:back", code: "FORBIDDEN" });
  expect(await socket.emitWithAck("whoami", {})).toMatchObject({ channels: [] });
});

test("no client is ever in a room outside its grants, whatever it asks for and whatever changes meanwhile", async () => {
  const batches = fc.array(fc.array(step, { minLength: 1, maxLength: 5 }), { maxLength: 6 });
  const opening = fc.array(fc.record({ claims: fc.option(claims, { nil: undefined }), channels: fc.array(channel) }), {
    minLength: 4,
    maxLength: 4,
  });
  await fc.assert(
    fc.asyncProperty(file, opening, batches, async (first, clients, rounds) => {
      written = first;
      rules.replace(parseRules(first));
      const sockets = await Promise.all(
        clients.map(async ({ claims: held, channels }) => {
          const auth = { channels, ...(held === undefined ? {} : { token: await tokenOf(held) }) };
          return connected(auth);
        }),
      );
      try {
        await until(outside, 2_000);
        for (const round of rounds) {
          await Promise.all(round.map((one) => play(one, sockets)));
          await until(outside, 2_000);
        }
      } finally {
        for (const socket of sockets) socket.disconnect();
        await until(() => (server.sockets.sockets.size === 0 ? undefined : "somebody is left"));
      }
    }),
    { numRuns: 25 },
  );
  // A judge whom nothing is ever shown proves nothing.
  expect(Math.min(...Object.values(counts)), JSON.stringify(counts)).toBeGreaterThan(3);
}, 60_000);

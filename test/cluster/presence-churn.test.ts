import { type PresenceClient, PresenceWatch, seeded, until } from "@fanfare/test-support";
import { io } from "socket.io-client";
import { expect } from "vitest";
import { test } from "./cluster.ts";
import { tokenOf, tokenSecret } from "./tokens.ts";

/*
 * Clients that come, go and are cut off on three nodes, one of which is killed in the middle. In full:
 *   PRESENCE_CLIENTS=2000 PRESENCE_SECONDS=120 npx vitest run --project cluster test/cluster/presence-churn.test.ts
 */

const clientCount = Number(process.env.PRESENCE_CLIENTS ?? 36);
const seconds = Number(process.env.PRESENCE_SECONDS ?? 4);
const seed = Number(process.env.PRESENCE_SEED ?? Math.floor(Math.random() * 1e9));
const perSecond = Math.max(10, clientCount / 40);
const rooms = Array.from({ length: Math.max(2, Math.ceil(clientCount / 500)) }, (_, number) => `room:${number}`);
const restMs = 60_000 + clientCount * 60;

test.override({
  clusterOptions: {
    gateways: 3,
    env: { FANFARE_TOKEN_SECRET: tokenSecret, FANFARE_PRESENCE_GRACE_MS: "2000" },
    rules: { namespaces: { room: { subscribe: "anyone", presence: "anyone", joinLeave: true } } },
  },
});

interface Visitor {
  client: PresenceClient;
  readonly room: string;
  readonly user: string;
  watch: PresenceWatch;
  inside: boolean;
}

/** A stock client that writes nothing down: two thousand of them share a process. */
function enter(url: string, room: string, token: string, transports: readonly ("polling" | "websocket")[]): PresenceClient {
  const socket = io(url, { forceNew: true, transports: [...transports], auth: { token, channels: [room] } });
  return { socket, request: (event, ...args) => socket.timeout(30_000).emitWithAck(event, ...args) };
}

interface Page {
  readonly clients: number;
  readonly users: number;
  readonly members: readonly { readonly id: string; readonly user: string | null }[];
}

test(`at rest every subscriber's members are the server's and the truth, after ${seconds} s of ${clientCount} clients`, {
  timeout: seconds * 1_000 + 4 * restMs,
}, async ({ cluster, onTestFailed, onTestFinished }) => {
  onTestFailed(() => console.error(`seed ${seed}`));
  const random = seeded(seed);

  async function visit(number: number): Promise<Visitor> {
    const room = rooms[number % rooms.length] as string;
    // Two tabs each.
    const user = `user${Math.floor(number / (2 * rooms.length))}`;
    const transports = number % 12 === 0 ? (["polling"] as const) : (["websocket"] as const);
    const token = tokenOf({ sub: user, exp: Math.floor(Date.now() / 1_000) + 3_000 });
    const client = enter(cluster.balancer.url, room, token, transports);
    const watch = new PresenceWatch(client, room, { remembers: false });
    await new Promise<void>((resolve) => void client.socket.once("fanfare:welcome", () => resolve()));
    await watch.load();
    return { client, room, user, watch, inside: true };
  }

  /** All pages of a list of connections, or what it lacks. */
  async function idsAt(path: string): Promise<string[]> {
    const ids: string[] = [];
    for (let cursor = ""; ; ) {
      const { body } = await cluster.admin(0).rest.call("GET", path + cursor);
      const page = body as { items: readonly { id: string }[]; next: string | null; nodesMissing: readonly string[] };
      if (page.nodesMissing.length > 0) return [`${page.nodesMissing} missing`];
      ids.push(...page.items.map(({ id }) => id));
      if (page.next === null) return ids;
      cursor = `&cursor=${page.next}`;
    }
  }

  const visitors: Visitor[] = [];
  onTestFinished(() => {
    for (const { client } of visitors) client.socket.disconnect();
  });
  for (let number = 0; number < clientCount; number += 50) {
    const some = Array.from({ length: Math.min(50, clientCount - number) }, (_, index) => visit(number + index));
    visitors.push(...(await Promise.all(some)));
  }

  async function act(number: number): Promise<void> {
    const visitor = visitors[number] as Visitor;
    const { client, room, inside } = visitor;
    const dice = random.next();
    if (dice < 0.4) {
      visitor.inside = !inside;
      // Unanswered, it may have been done all the same: that shows in whoami, at rest.
      await client.request(inside ? "unsubscribe" : "subscribe", { channel: room }).catch(() => undefined);
      if (!inside) await visitor.watch.load();
    } else if (dice < 0.7) {
      client.socket.disconnect();
      visitors[number] = await visit(number);
    } else {
      client.socket.io.engine.close();
    }
  }

  const busy = new Set<number>();
  const startedAtMs = performance.now();
  let killed = false;
  let actions = 0;
  await until(
    () => {
      const elapsedS = (performance.now() - startedAtMs) / 1_000;
      if (!killed && elapsedS > seconds / 2) {
        killed = true;
        random.pick(cluster.liveGateways).signal("SIGKILL");
      }
      for (; actions < elapsedS * perSecond; actions++) {
        const number = random.between(0, visitors.length - 1);
        if (busy.has(number)) continue;
        busy.add(number);
        act(number).then(
          () => busy.delete(number),
          () => busy.delete(number),
        );
      }
      return elapsedS < seconds ? `${elapsedS} s` : undefined;
    },
    seconds * 1_000 + 10_000,
  );
  await until(() => (busy.size === 0 ? undefined : `${busy.size} are still at it`), restMs);
  const restAtMs = performance.now();
  await until(() => {
    const away = visitors.filter(({ client }) => !client.socket.connected).length;
    return away === 0 ? undefined : `${away} are not connected`;
  }, restMs);

  for (const room of rooms) {
    const here = visitors.filter((visitor) => visitor.room === room);
    await until(async () => {
      const inside = await Promise.all(
        here.map(
          async ({ client }) => ((await client.request("whoami")) as unknown as { channels: string[] }).channels.length > 0,
        ),
      );
      const members = here.filter((_, index) => inside[index]);
      const ids = members.map(({ client }) => client.socket.id).sort();
      const users = new Set(members.map(({ user }) => user)).size;
      const { body } = await cluster.admin(0).rest.call("GET", `/v1/channels/${room}/presence?limit=20000`);
      const page = body as Page;
      const listed = page.members.map(({ id }) => id);
      if (listed.join() !== ids.join()) return difference("REST", listed, ids);
      if (page.clients !== ids.length || page.users !== users)
        return `counts ${page.clients}, ${page.users} of ${ids.length}, ${users}`;
      const registered = await idsAt(`/v1/channels/${room}/connections?limit=1000`);
      if (registered.join() !== ids.join()) return difference("the registry", registered, ids);
      for (const { client, watch } of members) {
        if (watch.ids.join() !== ids.join()) return difference(`${client.socket.id}`, watch.ids, ids);
        if (watch.clients !== ids.length || watch.users !== users)
          return `${client.socket.id} counts ${watch.clients}, ${watch.users}`;
      }
      return undefined;
    }, restMs);
  }
  await until(async () => {
    const connected = visitors.map(({ client }) => client.socket.id).sort();
    const listed = await idsAt("/v1/connections?limit=1000");
    return listed.join() === connected.join() ? undefined : difference("all connections", listed, connected);
  }, restMs);
  const tookMs = Math.round(performance.now() - restAtMs);
  const heard = visitors.reduce((sum, { watch }) => sum + watch.notices, 0);
  expect(heard).toBeGreaterThan(0);
  if (process.env.PRESENCE_CLIENTS !== undefined) {
    console.log({ clientCount, seconds, seed, actions, agreedAfterMs: tookMs, noticesHeard: heard });
  }
});

function difference(who: string, has: readonly (string | undefined)[], ids: readonly (string | undefined)[]): string {
  const missing = ids.filter((id) => !has.includes(id)).length;
  const surplus = has.filter((id) => !ids.includes(id)).length;
  return `${who}: ${missing} missing and ${surplus} too many of ${ids.length}`;
}

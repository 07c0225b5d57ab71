import { type Cluster, startCluster, until } from "@fanfare/test-support";
import { io, type Socket } from "socket.io-client";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type Presence, presence } from "./index.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let cluster: Cluster;
const sockets: Socket[] = [];

beforeAll(async () => {
  const room = { subscribe: "anyone", presence: "subscriber", joinLeave: true } as const;
  cluster = await startCluster({ gateways: 2, rules: { namespaces: { room, deaf: { subscribe: "anyone" } } } });
});

afterAll(async () => {
  for (const socket of sockets) socket.disconnect();
  await cluster.stop();
});

function connect(): Socket {
  const socket = io(cluster.balancer.url, { forceNew: true, transports: ["websocket"], reconnectionDelay: 100 });
  sockets.push(socket);
  return socket;
}

const knows = (watch: Presence, ...others: readonly Socket[]) =>
  until(() => {
    const ids = others.map(({ id }) => id ?? "").sort();
    const known = [...watch.members.keys()].sort();
    return known.join() === ids.join() && watch.clients === ids.length ? undefined : `knows ${known} of ${ids}`;
  }, 15_000);

test("presence follows who comes and goes, and goes on after a break", async () => {
  const ada = connect();
  let changes = 0;
  const watch = presence(ada, "room:a", { onChange: () => changes++ });
  await knows(watch, ada);
  const bob = connect();
  const bobs = presence(bob, "room:a");
  await knows(watch, ada, bob);
  await knows(bobs, ada, bob);
  ada.io.engine.close();
  const eve = connect();
  presence(eve, "room:a");
  await knows(watch, ada, bob, eve);
  expect(ada.recovered).toBe(true);
  bobs.close();
  await knows(watch, ada, eve);
  expect(changes).toBeGreaterThan(2);
});

test("where the rules allow nobody to ask it says so", async () => {
  const watch = presence(connect(), "deaf:a");
  await until(() => (watch.refusal?.code === "FORBIDDEN" ? undefined : `refusal ${watch.refusal?.code}`));
});

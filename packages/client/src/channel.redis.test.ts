import { type Cluster, seeded, startCluster, until } from "@fanfare/test-support";
import { io, type Socket } from "socket.io-client";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type Channel, channel } from "./index.ts";

vi.setConfig({ testTimeout: 90_000, hookTimeout: 60_000 });

let cluster: Cluster;
const sockets: Socket[] = [];

beforeAll(async () => {
  cluster = await startCluster({ gateways: 2 });
});

afterAll(async () => {
  for (const socket of sockets) socket.disconnect();
  await cluster.stop();
});

test("whatever ends its connections, every listener hears each publication once and in order", async ({ onTestFailed }) => {
  const seed = Date.now() % 100_000;
  const random = seeded(seed);
  onTestFailed(() => console.error(`seed ${seed}\n${cluster.log()}`));
  const names = ["public:a", "public:b"];
  const heard: { readonly listener: Channel; readonly data: unknown[] }[] = [];
  for (let index = 0; index < 12; index++) {
    const transports = [["websocket"], ["polling"], ["polling", "websocket"]][index % 3] ?? [];
    const socket = io(cluster.balancer.url, { forceNew: true, transports, reconnectionDelay: 100, reconnectionDelayMax: 500 });
    sockets.push(socket);
    for (const name of names) {
      const data: unknown[] = [];
      const listener = channel(socket, name, { answerMs: 1_000, onReset: ({ reason }) => data.push(`<${reason}>`) });
      listener.on("*", (one) => data.push(one));
      heard.push({ listener, data });
    }
  }
  await until(() => {
    const waiting = heard.filter(({ listener }) => listener.state !== "live").length;
    return waiting === 0 ? undefined : `${waiting} not live yet`;
  }, 20_000);

  let published = 0;
  let publishing = true;
  const publisher = (async () => {
    for (; publishing; published++) {
      await Promise.all(names.map((name) => cluster.publishUntilStored(name, published)));
    }
  })();
  for (let fault = 0; fault < 60; fault++) {
    const before = published;
    const socket = random.pick(sockets);
    if (fault === 20) await cluster.kill(cluster.gateway(0), "SIGKILL");
    else if (fault === 30) await cluster.addGateway();
    else if (random.next() < 0.5) socket.disconnect().connect();
    else if (socket.connected) socket.io.engine.close();
    await until(() => (published > before + 3 ? undefined : "the publisher stands still"), 20_000);
  }
  publishing = false;
  await publisher;

  const all = Array.from({ length: published }, (_, index) => index);
  await until(() => {
    const behind = heard.find(({ data }) => data.length < published);
    return behind && `${behind.listener.name} has ${behind.data.length} of ${published}, ${behind.listener.state}`;
  }, 30_000);
  for (const { listener, data } of heard) {
    expect(data).toEqual(all);
    expect(listener.counts).toEqual({ delivered: published, missed: 0, doubled: 0, outOfOrder: 0 });
  }
});

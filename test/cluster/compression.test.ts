import type { Socket as TcpSocket } from "node:net";
import { type TestClient, until } from "@fanfare/test-support";
import { expect } from "vitest";
import { test } from "./cluster.ts";

const channel = "public:prices";
const env = { FANFARE_CLUSTER_SECRET: "of-all-nodes-and-of-nobody-else", FANFARE_COMPRESSION: "on" };
test.override({ clusterOptions: { gateways: 2, env } });

/** Some 4 kB of what is often published. */
function prices(number: number): object {
  return { number, rows: Array.from({ length: 60 }, (_, row) => ({ symbol: `SYM${row % 9}`, price: row * 1.25 + number, row })) };
}

function bytesRead({ socket }: TestClient): number {
  const { transport } = socket.io.engine as unknown as { transport: { ws: { _socket: TcpSocket } } };
  return transport.ws._socket.bytesRead;
}

test("long publications are compressed, and every stock client hears all of them, in order, whatever comes between", async ({
  cluster,
}) => {
  const [websocket, upgraded, polling] = await Promise.all([
    cluster.client({ via: cluster.gateway(0), transports: ["websocket"], channels: [channel] }),
    cluster.client({ via: cluster.gateway(1), channels: [channel] }),
    cluster.client({ via: cluster.gateway(1), transports: ["polling"], channels: [channel] }),
  ]);
  const clients = [websocket, upgraded, polling];
  await until(() => (upgraded.socket.io.engine.transport.name === "websocket" ? undefined : "not upgraded"));
  const before = [websocket, upgraded].map(bytesRead);
  const published: unknown[] = [];
  let answered = 0;
  const publish = async (data: unknown): Promise<void> => {
    published.push(data);
    await cluster.publish(channel, data);
  };
  const heardAll = (): Promise<void> =>
    until(() => {
      const behind = clients.filter((client) => client.heard(channel).length < published.length);
      return behind.length === 0 ? undefined : `${behind.length} clients have not heard all ${published.length}`;
    });

  for (let number = 0; number < 30; number++) {
    await publish(prices(number));
    if (number % 3 === 0) await publish(`short ${number}`);
    // What a client says is compressed, too; what it is answered is not.
    const said = "said and said again ".repeat(10 * number);
    const answers = await Promise.all(clients.map((client) => client.request("echo", said)));
    expect(answers.map(({ echo }) => echo)).toEqual([said, said, said]);
    answered += said.length;
  }
  await heardAll();
  for (const client of clients) expect(client.heard(channel)).toEqual(published);
  const plain = published.reduce((sum: number, data) => sum + JSON.stringify(data).length, 0);
  for (const [index, client] of [websocket, upgraded].entries()) {
    expect(bytesRead(client) - (before[index] ?? 0) - answered).toBeLessThan(plain * 0.4);
  }

  // A session that is taken up again is sent the rest from the log.
  websocket.socket.io.engine.close();
  for (let number = 30; number < 40; number++) await publish(prices(number));
  await heardAll();
  for (const client of clients) expect(client.heard(channel)).toEqual(published);
  expect([websocket.connects, websocket.recoveries]).toEqual([2, 1]);
});

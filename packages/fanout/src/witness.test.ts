import { channelName, type DeliveryCounts, defaultEvent } from "@fanfare/domain";
import { until } from "@fanfare/test-support";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { type RealClient, RealNode } from "../test/real-node.ts";
import { ModelBroker } from "../test/world.ts";
import { unsentBytes } from "./unsent.ts";

/* A receipt beside real sockets: what a client has not read waits in the system first, and then on the node. */

const news = channelName("news");
/** More than the system takes off a node for a client that does not read. */
const large = JSON.stringify("x".repeat(5_000_000));

const broker = new ModelBroker();
let node: RealNode;
const clients: RealClient[] = [];
beforeAll(async () => {
  node = new RealNode(broker, "direct");
  await node.listen();
});
afterEach(async () => {
  for (const client of clients.splice(0)) {
    client.read(true);
    await client.close();
    // What it was not yet sent, it will not read.
    client.socket.conn.close(true);
  }
});
afterAll(() => node.close());

function publish(json: string, receipt?: true): number {
  const { seq } = broker.publishNow({ channel: news, event: defaultEvent, payload: { json, binary: false }, receipt }, true);
  node.link.flush();
  return seq;
}

async function subscribed(...transports: string[]): Promise<RealClient> {
  const client = await node.client(transports);
  clients.push(client);
  await node.fanout.subscribe(client.socket, news);
  return client;
}

/** What was counted last of a publication. */
class Counted {
  readonly #seq: number;
  #counts: DeliveryCounts | undefined;

  constructor(seq: number) {
    this.#seq = seq;
  }

  async is(wanted: Partial<DeliveryCounts>): Promise<void> {
    await until(() => {
      this.#counts = node.fanout.receipts.take().find(({ seq }) => seq === this.#seq)?.counts ?? this.#counts;
      const counts = this.#counts;
      const differs = Object.entries(wanted).some(([name, value]) => counts?.[name as keyof DeliveryCounts] !== value);
      return differs ? `it is ${JSON.stringify(counts)}` : undefined;
    });
  }
}

test("a websocket was written to when the system has taken the publication, though more waits behind it", async () => {
  const client = await subscribed("websocket");
  // Is written to by the flush, and shows that it is over: what comes then is behind it.
  await subscribed("websocket");
  client.read(false);
  for (let time = 0; time < 3; time++) publish(large);
  const counted = new Counted(publish('"this"', true));
  await counted.is({ sessions: 2, written: 1, unsent: 1 });
  for (let time = 0; time < 20; time++) publish(large);
  client.read(true);
  await until(() => (client.heard.some(({ what }) => what.includes('"this"')) ? undefined : "it is not heard"));
  client.read(false);
  await counted.is({ written: 2, unsent: 0 });
  expect(unsentBytes(client.socket)).toBeGreaterThan(0);
});

test("a websocket that ends after it was written to, and before anybody looked again, was written to", async () => {
  const client = await subscribed("websocket");
  client.read(false);
  for (let time = 0; time < 3; time++) publish(large);
  const counted = new Counted(publish('"this"', true));
  await counted.is({ sessions: 1, unsent: 1 });
  client.read(true);
  await until(() => (client.heard.some(({ what }) => what.includes('"this"')) ? undefined : "it is not heard"));
  await client.close();
  await counted.is({ written: 1, unsent: 0, dropped: 0 });
});

test("a websocket that ends with the publication in front of it was not", async () => {
  const client = await subscribed("websocket");
  client.read(false);
  for (let time = 0; time < 3; time++) publish(large);
  const counted = new Counted(publish('"this"', true));
  await counted.is({ sessions: 1, unsent: 1 });
  client.socket.conn.close(true);
  await counted.is({ written: 0, unsent: 0, dropped: 1 });
});

test("a websocket that has begun to close is not written to, though its connection has not ended", async () => {
  const client = await subscribed("websocket");
  await subscribed("websocket");
  client.read(false);
  // As when the client's goodbye comes: Engine.IO hears of it once both sides are through with it.
  const { socket: websocket } = client.socket.conn.transport as unknown as { socket: { close(): void } };
  websocket.close();
  const counted = new Counted(publish('"this"', true));
  await counted.is({ sessions: 2, written: 1, unsent: 1 });
  client.socket.conn.close(true);
  await counted.is({ written: 1, unsent: 0, dropped: 1 });
});

test("a websocket whose connection was reset, which nobody has noticed yet, is not written to", async () => {
  const client = await subscribed("websocket");
  client.breakOff();
  // So much is written at once, before the event loop goes on.
  await new Counted(publish(large, true)).is({ sessions: 1, written: 0, unsent: 0, dropped: 1 });
});

test("asking for the numbers does not write what is collected before its time", async () => {
  const client = await subscribed("websocket");
  const seq = publish('"this"', true);
  expect(node.fanout.receipts.take()).toContainEqual(
    expect.objectContaining({ seq, counts: { sessions: 1, written: 0, unsent: 1, dropped: 0, recovered: 0 } }),
  );
  expect(unsentBytes(client.socket)).toBeGreaterThan(0);
  await new Counted(seq).is({ written: 1, unsent: 0 });
});

test("over polling it is written with the answer to a poll", async () => {
  await subscribed("polling");
  const counted = new Counted(publish('"this"', true));
  await counted.is({ sessions: 1, written: 1, unsent: 0 });
});

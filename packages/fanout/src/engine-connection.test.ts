import { channelName, defaultEvent } from "@fanfare/domain";
import { afterAll, beforeAll, expect, test } from "vitest";
import { RealNode } from "../test/real-node.ts";
import { ModelBroker } from "../test/world.ts";
import { DirectWrites } from "./direct-writes.ts";
import { connectionOf, writerKey } from "./engine-connection.ts";

const channel = channelName("a");
const broker = new ModelBroker();
const node = new RealNode(broker, "direct");
beforeAll(() => node.listen());
afterAll(() => node.close());

/** How many packets went through Engine.IO while ten publications were heard. */
async function packetsOfTen(transport: "websocket" | "polling"): Promise<number> {
  const client = await node.client([transport]);
  await node.fanout.subscribe(client.socket, channel);
  await client.all();
  let packets = 0;
  const count = (): void => void packets++;
  client.socket.conn.on("packetCreate", count);
  for (let n = 0; n < 10; n++) {
    broker.publishNow({ channel, event: defaultEvent, payload: { json: `${n}`, binary: false } }, true);
  }
  node.link.flush();
  // By itself one packet, behind which everything has arrived.
  await client.all();
  client.socket.conn.off("packetCreate", count);
  await client.close();
  expect(client.heard).toHaveLength(10);
  return packets - 1;
}

test("what is known of the inside of Engine.IO and ws is there, in the installed versions", async () => {
  const { socket } = await node.client(["websocket"]);
  const connection = connectionOf(socket);
  expect(connection).toMatchObject({
    readyState: "open",
    writeBuffer: [],
    transport: {
      name: "websocket",
      supportsBinary: true,
      socket: { readyState: 1, bufferedAmount: 0, _sender: { _state: 0, _queue: [] } },
    },
  });
  const tcp = connection?.transport.socket?._socket;
  expect(tcp).toHaveProperty("writableNeedDrain", false);
  expect(tcp && DirectWrites.find()?.reach(tcp)).toBe(true);
  expect(connection?.transport.perMessageDeflate).toBeFalsy();
  expect(connection?.[writerKey]?.plain).toBe(true);
  socket.disconnect(true);
});

test("publications to a websocket pass Engine.IO by, and those to a polling client do not", async () => {
  expect(await packetsOfTen("websocket")).toBe(0);
  expect(await packetsOfTen("polling")).toBeGreaterThanOrEqual(10);
});

test("what a stock client has agreed on, publications to it are compressed with", async () => {
  const compressing = new RealNode(new ModelBroker(), "compressing");
  await compressing.listen();
  const { socket } = await compressing.client(["websocket"]);
  const writer = connectionOf(socket)?.[writerKey];
  expect([writer?.plain, writer?.windowBits]).toEqual([true, 15]);
  await compressing.close();
});

import { randomBytes } from "node:crypto";
import { systemClock } from "@fanfare/domain";
import { createLog, createMetrics } from "@fanfare/telemetry";
import { startRabbit, type TestRabbit, until } from "@fanfare/test-support";
import { type ChannelModel, type ConfirmChannel, connect } from "amqplib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sourceContract } from "../contract/source.contract.ts";
import { type AmqpOptions, AmqpSource } from "./amqp.ts";
import { Pump } from "./pump.ts";
import { GatedBroker, rules } from "./testing/gated-broker.ts";

const log = createLog({ name: "test", level: "silent" });
const startMs = 90_000;
let rabbit: TestRabbit;
beforeAll(async () => {
  rabbit = await startRabbit();
}, startMs);
afterAll(() => rabbit.stop(), startMs);

function newQueue(): string {
  return `test-${randomBytes(4).toString("hex")}`;
}

function open(queue: string, more: Partial<AmqpOptions> = {}): AmqpSource {
  const defaults = { bindings: ["#"], channelTemplate: "{routing-key}", prefetch: 500 };
  return new AmqpSource({ ...defaults, url: rabbit.url, queue, log, clock: systemClock, ...more });
}

async function producerOn(queue: string): Promise<{ connection: ChannelModel; channel: ConfirmChannel }> {
  const connection = await connect(rabbit.url);
  const channel = await connection.createConfirmChannel();
  // As RabbitMQ's tutorials begin.
  await channel.assertQueue(queue, { durable: true });
  return { connection, channel };
}

sourceContract(async () => {
  const queue = newQueue();
  const { connection, channel } = await producerOn(queue);
  return {
    open: () => open(queue, { prefetch: 50 }),
    async send(name, numbers) {
      for (const number of numbers) {
        channel.sendToQueue(queue, Buffer.from(String(number)), { headers: { channel: name }, messageId: `${name}-${number}` });
      }
      await channel.waitForConfirms();
    },
    async sendPoison() {
      channel.sendToQueue(queue, Buffer.from("{not json"), { headers: { channel: "a" } });
      await channel.waitForConfirms();
    },
    async dead() {
      const reasons: string[] = [];
      for (;;) {
        const message = await channel.get(`${queue}.dead`).catch(() => false as const);
        if (message === false) break;
        reasons.push(String(message.properties.headers?.["x-fanfare-reason"]));
      }
      // Put back, so that the next look finds them too.
      channel.nackAll(true);
      return reasons;
    },
    handsOverMax: 50,
    redelivers: true,
    knowsLag: true,
    close: () => connection.close(),
  };
}, until);

describe("a queue of RabbitMQ", () => {
  async function working(queue: string, source: AmqpSource) {
    const gate = new GatedBroker();
    const metrics = createMetrics({ app: "ingest" });
    const pump = new Pump({ source, broker: gate, rules, metrics, log, clock: systemClock });
    const producer = await producerOn(queue);
    await pump.start();
    const end = async (): Promise<void> => {
      await pump.drain(2_000);
      await producer.connection.close();
    };
    return { gate, ...producer, end };
  }

  test("the channel is the header, else the routing key by the template; bodies keep every byte", async () => {
    const queue = newQueue();
    const exchange = `${queue}-exchange`;
    const source = open(queue, { exchange, bindings: ["orders.*"], channelTemplate: "shop:{routing-key}" });
    const { gate, channel, end } = await working(queue, source);
    await channel.assertExchange(exchange, "topic", { durable: true });
    await until(async () => ((await source.lag().catch(() => undefined)) === undefined ? "the queue is not read" : undefined));
    const json = '{"b":1.0,"a":9007199254740993}';
    // Bindings are made when the worker comes; until then the exchange drops.
    await until(async () => {
      channel.publish(exchange, "orders.new", Buffer.from(json), { contentType: "application/json", messageId: "one" });
      await channel.waitForConfirms();
      return gate.publications("shop:orders.new").length > 0 ? undefined : "it did not come";
    });
    channel.publish(exchange, "orders.new", Buffer.from("[1]"), { headers: { channel: "b", event: "tick", id: "two" } });
    channel.publish(exchange, "orders.new", Buffer.from([0, 255]), {
      headers: { channel: "b" },
      contentType: "application/octet-stream",
    });
    await until(() => (gate.publications("b").length === 2 ? undefined : "not all came"));
    expect(gate.publications("shop:orders.new")).toMatchObject([{ event: "message", id: "one", payload: { json } }]);
    expect(gate.publications("b")).toMatchObject([
      { event: "tick", id: "two", payload: { json: "[1]" } },
      { payload: { binary: true, json: '{"base64":"AP8="}' } },
    ]);
    await end();
  });

  test("the trace that a producer's library has put into the headers goes on where the rules ask for it", async () => {
    const queue = newQueue();
    const { gate, channel, end } = await working(queue, open(queue));
    const traceparent = `00-${"1".repeat(32)}-${"2".repeat(16)}-01`;
    for (const name of ["traced", "plain"]) {
      channel.sendToQueue(queue, Buffer.from("1"), { headers: { channel: name, traceparent } });
    }
    const published = () => [...gate.publications("traced"), ...gate.publications("plain")];
    await until(() => (published().length < 2 ? "not all came" : undefined));
    expect(published().map((publication) => publication.traceparent)).toEqual([traceparent, undefined]);
    await end();
  });

  test("a queue that is there with other properties is used as it is", async () => {
    const queue = newQueue();
    const connection = await connect(rabbit.url);
    const channel = await connection.createChannel();
    await channel.assertQueue(queue, { durable: false, arguments: { "x-max-length": 100 } });
    const gate = new GatedBroker();
    const metrics = createMetrics({ app: "ingest" });
    const pump = new Pump({ source: open(queue), broker: gate, rules, metrics, log, clock: systemClock });
    await pump.start();
    channel.sendToQueue(queue, Buffer.from("1"));
    await until(() => (gate.heard(queue).length === 1 ? undefined : "it did not come"));
    await pump.drain(2_000);
    await connection.close();
  });

  test("RabbitMQ restarts in the middle: everything comes, in order and once, also without message-ids", async () => {
    const queue = newQueue();
    const source = open(queue);
    const { gate, channel, connection, end } = await working(queue, source);
    connection.on("error", () => undefined);
    for (let number = 1; number <= 3_000; number++) channel.sendToQueue(queue, Buffer.from(String(number)), { persistent: true });
    await channel.waitForConfirms();
    await until(() => (gate.heard(queue).length > 300 ? undefined : "nothing comes"));
    // As a broker that is slow to answer: messages are in hand when the connection goes.
    gate.mode = "mute";
    await rabbit.restart();
    gate.mode = "open";
    await until(() => (gate.heard(queue).length >= 3_000 ? undefined : "not all came"), 20_000);
    expect(gate.heard(queue)).toEqual(Array.from({ length: 3_000 }, (_, index) => index + 1));
    await end().catch(() => undefined);
  }, 60_000);
});

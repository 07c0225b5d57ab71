import { systemClock } from "@fanfare/domain";
import { createLog, createMetrics } from "@fanfare/telemetry";
import { until } from "@fanfare/test-support";
import { expect, test } from "vitest";
import { Publisher, Push } from "zeromq";
import { sourceContract } from "../contract/source.contract.ts";
import { Pump } from "./pump.ts";
import { GatedBroker, rules } from "./testing/gated-broker.ts";
import { ZeroMqSource } from "./zeromq.ts";

// PUSH: it waits for whoever reads, so what the contract sends before a worker is there is not lost.
sourceContract(async () => {
  const metrics = createMetrics({ app: "ingest" });
  const producers: Push[] = [];
  let address: string | undefined;
  const producer = async (): Promise<Push> => {
    await until(() => (address === undefined ? "no worker has bound" : undefined));
    const [first] = producers;
    if (first !== undefined) return first;
    const push = new Push({ sendHighWaterMark: 100_000, linger: 0 });
    push.connect(address ?? "");
    producers.push(push);
    return push;
  };
  return {
    open() {
      const source = new ZeroMqSource({ pullBind: "tcp://127.0.0.1:*", channel: "a", queueMax: 100_000, metrics });
      const start = source.start.bind(source);
      source.start = async (intake) => {
        await start(intake);
        address = source.addresses[0];
      };
      return source;
    },
    async send(channel, numbers) {
      const push = await producer();
      for (const number of numbers) await push.send([channel, JSON.stringify(number)]);
    },
    sendPoison: async () => (await producer()).send(["a", "{not json"]),
    handsOverMax: 0,
    redelivers: false,
    knowsLag: false,
    async close() {
      for (const push of producers) push.close();
    },
  };
}, until);

async function worker(channel = "zmq") {
  const gate = new GatedBroker();
  const metrics = createMetrics({ app: "ingest" });
  const source = new ZeroMqSource({ bind: "tcp://127.0.0.1:*", channel, queueMax: 100_000, metrics });
  const log = createLog({ name: "test", level: "silent" });
  const pump = new Pump({ source, broker: gate, rules, metrics, log, clock: systemClock });
  await pump.start();
  const producer = new Publisher({ sendHighWaterMark: 100_000, linger: 1_000 });
  producer.connect(source.addresses[0] ?? "");
  // A PUB knows its subscribers only after a moment, and loses what it sends before.
  await until(async () => {
    await producer.send(["warm-up", "0"]);
    return gate.heard("warm-up").length > 0 ? undefined : "the producer is not connected";
  });
  return {
    gate,
    producer,
    gaps: async () => Number(/^fanfare_ingest_gap_messages_total\{.*\} (\d+)/m.exec(await metrics.text())?.[1] ?? 0),
    async close() {
      producer.close();
      await pump.drain(1_000);
    },
  };
}

test("a PUB producer's one, two and three frames become publications", async () => {
  const { gate, producer, close } = await worker();
  await producer.send('{"x":1,"y":2.50}');
  await producer.send(["prices", "9007199254740993"]);
  await producer.send(["prices", "tick", '{"b":1,"a":2}']);
  await until(() => (gate.publications("prices").length === 2 ? undefined : "not all came"));
  expect(gate.publications("zmq")).toMatchObject([{ event: "message", payload: { json: '{"x":1,"y":2.50}' } }]);
  expect(gate.publications("prices")).toMatchObject([
    { event: "message", payload: { json: "9007199254740993" } },
    { event: "tick", payload: { json: '{"b":1,"a":2}' } },
  ]);
  await close();
});

test("what is missing between the numbers that a producer puts on its messages is counted", async () => {
  const { gate, producer, gaps, close } = await worker();
  for (const sequence of [7, 8, 12, 13, 1, 2]) {
    const number = Buffer.alloc(8);
    number.writeBigUInt64BE(BigInt(sequence));
    await producer.send(["prices", String(sequence), number]);
  }
  await until(() => (gate.heard("prices").length === 6 ? undefined : "not all came"));
  expect(gate.heard("prices")).toEqual([7, 8, 12, 13, 1, 2]);
  expect(await gaps()).toBe(3);
  await close();
});

test("an address that is taken is a mistake in the settings", async () => {
  const metrics = createMetrics({ app: "ingest" });
  const first = new ZeroMqSource({ bind: "tcp://127.0.0.1:*", channel: "a", queueMax: 1_000, metrics });
  await first.start(async () => undefined);
  const second = new ZeroMqSource({ bind: first.addresses[0], channel: "a", queueMax: 1_000, metrics });
  await expect(second.start(async () => undefined)).rejects.toMatchObject({
    code: "SETTINGS_INVALID",
    errors: [{ path: "FANFARE_ZMQ_BIND" }],
  });
  await first.stop();
});

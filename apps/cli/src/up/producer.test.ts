import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { until } from "@fanfare/test-support";
import { afterEach, beforeEach, expect, test } from "vitest";
import { pointAt, startProducer } from "./producer.ts";

interface Sent {
  readonly channel: string;
  readonly event: string;
  readonly id: string;
  readonly data: { readonly x: number; readonly y: number };
}

/** An admin API in small that answers with the next status of a list, then always 200. */
let statuses: number[];
let sent: Sent[];
const server = createServer(async (request, response) => {
  sent.push(JSON.parse(await text(request)));
  response.writeHead(statuses.shift() ?? 200, { "content-type": "application/json" });
  response.end('{"code":"FORBIDDEN","detail":"No."}');
});

beforeEach(async () => {
  statuses = [];
  sent = [];
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterEach(() => {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(resolve));
});

const address = () => ({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, key: "k" });
const nothing = () => {};

test("the sine wave fills its range and repeats within the console's window of 100 points", () => {
  const ys = Array.from({ length: 100 }, (_, x) => pointAt(x).y);
  expect(Math.min(...ys)).toBeLessThan(0.01);
  expect(Math.max(...ys)).toBeGreaterThan(4.99);
  expect(pointAt(8 * Math.PI * 2).y).toBeCloseTo(pointAt(0).y);
});

test("points come one after another, each with an id of its own", async () => {
  const producer = startProducer(address(), "run", nothing);
  await producer.started;
  await until(() => (sent.length < 4 ? `only ${sent.length} points` : undefined));
  producer.stop();
  expect(sent.slice(0, 4).map(({ data, id }) => `${data.x} ${id}`)).toEqual(["0 run-0", "1 run-1", "2 run-2", "3 run-3"]);
  expect(sent[0]).toEqual({ channel: "demo:sine", event: "point", id: "run-0", data: pointAt(0) });
});

test("a point that could not be stored is sent again under its id before the next", async () => {
  statuses = [503, 429];
  const producer = startProducer(address(), "run", nothing);
  await until(() => (sent.length < 4 ? `only ${sent.length} requests` : undefined));
  producer.stop();
  expect(sent.slice(0, 4).map(({ id }) => id)).toEqual(["run-0", "run-0", "run-0", "run-1"]);
});

test("a refusal that no retry will change ends it and is told", async () => {
  statuses = [403];
  const told: string[] = [];
  await expect(startProducer(address(), "run", (reason) => told.push(reason)).started).rejects.toThrow("No.");
  expect(told).toEqual(["No."]);
  expect(sent).toHaveLength(1);
});

import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "@fanfare/test-support";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { nowMicros } from "../clock.ts";
import { buildNative } from "../process/native.ts";
import type { Ears } from "./ears.ts";
import { nativeEars } from "./native-ears.ts";
import { nodeEars } from "./node-ears.ts";
import { payload } from "./payload.ts";

const subscribers = 20;
const dir = await mkdtemp(join(tmpdir(), "fanfare-ears-"));
const program = (await buildNative(dir))?.ears;
afterAll(() => rm(dir, { recursive: true }));

const kinds: [name: string, start: () => Ears][] = [["Node", nodeEars]];
if (program !== undefined) kinds.push(["C", () => nativeEars(program)]);

/** What the two kinds of ears must tell alike; where no C compiler is, there is one. */
describe.each(kinds)("subscribers in %s", (_, start) => {
  let server: WebSocketServer;
  let ears: Ears;
  let clients: WebSocket[];

  beforeAll(async () => {
    server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
    server.on("connection", (socket) => {
      socket.send('0{"sid":"x"}');
      socket.on("message", (data: Buffer) => {
        const text = data.toString();
        if (text === "40") socket.send('40{"sid":"y"}');
        else if (text === '420["subscribe","public:bench"]') socket.send('430[{"ok":true}]');
      });
    });
    await once(server, "listening");
    ears = start();
    const { port } = server.address() as AddressInfo;
    await ears.open({ port, protocol: "socket.io", channel: "public:bench" }, subscribers);
    clients = [...server.clients];
  });
  afterAll(async () => {
    if (ears.pid !== process.pid) process.kill(ears.pid);
    for (const client of clients) client.terminate();
    server.close();
  });

  /** Sends numbered publications to all, but to the first subscriber those of `first`. */
  async function heard(numbers: readonly number[], first = numbers, bytes = 128) {
    await ears.reset();
    for (const [index, client] of clients.entries()) {
      for (const n of index === 0 ? first : numbers) {
        client.send(`42["message",${payload(n, nowMicros(), bytes)},{"offset":${n}},"position"]`);
      }
    }
    const expected = numbers.length * (clients.length - 1) + first.length;
    await until(() => (ears.deliveries < expected ? `heard ${ears.deliveries} of ${expected}` : undefined));
    return ears.tally(numbers.length);
  }

  test("all that everybody got in one order is whole", async () => {
    const tally = await heard([1, 2, 3, 4]);
    expect(tally).toMatchObject({ deliveries: 80, whole: true, oneOrder: true });
    expect(tally.reads).toBeLessThanOrEqual(80);
    expect(tally.maxMicros).toBeGreaterThanOrEqual(tally.p50Micros);
  });

  test("a loss, a double in its place, and another order are noticed", async () => {
    expect(await heard([1, 2, 3], [1, 2])).toMatchObject({ whole: false });
    expect(await heard([1, 2, 3], [1, 3, 3])).toMatchObject({ whole: false });
    expect(await heard([1, 2, 3], [1, 3, 2])).toMatchObject({ whole: true, oneOrder: false });
  });

  test("frames longer than a read are put together", async () => {
    const numbers = Array.from({ length: 300 }, (_, index) => index + 1);
    expect(await heard(numbers, numbers, 1_000)).toMatchObject({ deliveries: 6_000, whole: true, oneOrder: true });
  });
});

import { createServer, request, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { FanfareError, systemClock } from "@fanfare/domain";
import type { EngineServer } from "@fanfare/relay";
import { until } from "@fanfare/test-support";
import { Server as Engine } from "engine.io";
import { afterEach, beforeEach, expect, test } from "vitest";
import { guardHandshakes } from "./handshakes.ts";
import { answerProbes } from "./probe.ts";

let http: Server;
let port: number;
let probes: ReturnType<typeof answerProbes>;
/** Whether new sessions are refused. */
let full: boolean;

beforeEach(async () => {
  http = createServer();
  const engine = new Engine();
  probes = answerProbes(engine as unknown as EngineServer, systemClock);
  full = false;
  guardHandshakes(engine as unknown as EngineServer, () =>
    full ? { error: new FanfareError("RATE_LIMITED"), status: 429 } : undefined,
  );
  engine.attach(http, { path: "/socket.io/" });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  port = (http.address() as AddressInfo).port;
});
afterEach(() => {
  probes.stop();
  http.closeAllConnections();
  http.close();
});

/** What came and how it ended. */
function ask(query: string): Promise<{ status: number; text: string; complete: boolean }> {
  return new Promise((resolve, reject) => {
    const asked = request({ port, host: "127.0.0.1", path: `/socket.io/?${query}`, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("error", () => undefined);
      response.on("close", () => resolve({ status: response.statusCode ?? 0, text, complete: response.complete }));
    });
    asked.on("error", reject).end();
  });
}

test("an answer has a beginning, a silence and an end", async () => {
  const startedMs = performance.now();
  expect(await ask("transport=probe&silentMs=120")).toEqual({ status: 200, text: "begin\nend\n", complete: true });
  expect(performance.now() - startedMs).toBeGreaterThanOrEqual(115);
});

test("a websocket is silent, then says that it ends", async () => {
  const socket = connect(port, "127.0.0.1");
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  const key = Buffer.alloc(16, 7).toString("base64");
  const lines = ["GET /socket.io/?transport=probe&silentMs=50 HTTP/1.1", "Host: a", "Upgrade: websocket", "Connection: Upgrade"];
  socket.write(`${lines.join("\r\n")}\r\nSec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n\r\n`);
  await new Promise((resolve) => socket.once("end", resolve));
  const text = Buffer.concat(chunks).toString("latin1");
  expect(text).toMatch(/^HTTP\/1\.1 101 /);
  expect(text.endsWith("\x81\x03end\x88\x02\x03\xe8")).toBe(true);
});

test("there are never more than eight, and whoever goes makes room", async () => {
  const open = Array.from({ length: 8 }, () => connect(port, "127.0.0.1"));
  let begun = 0;
  for (const socket of open) {
    socket.once("data", () => begun++).write("GET /socket.io/?transport=probe&silentMs=60000 HTTP/1.1\r\nHost: a\r\n\r\n");
  }
  await until(() => (begun < 8 ? `only ${begun} have begun` : undefined));
  expect(await ask("transport=probe&silentMs=1")).toMatchObject({ status: 503 });
  open[0]?.destroy();
  await until(async () => ((await ask("transport=probe&silentMs=1")).status === 200 ? undefined : "there is no room"));
  for (const socket of open) socket.destroy();
});

test("they are refused as new sessions are", async () => {
  full = true;
  expect(await ask("transport=probe&silentMs=1")).toMatchObject({ status: 429 });
});

test("a node that stops ends those that are open", async () => {
  const answer = ask("transport=probe&silentMs=60000");
  await until(() => {
    probes.stop();
    return Promise.race([answer.then(() => undefined), new Promise<string>((resolve) => setImmediate(resolve, "it goes on"))]);
  });
  expect(await answer.catch(() => ({ complete: false }))).toMatchObject({ complete: false });
});

test("what is no probe goes to Engine.IO, a session that says it is one too", async () => {
  expect((await ask("EIO=4&transport=polling")).text).toMatch(/^0\{"sid"/);
  expect(await ask("EIO=4&transport=probe&sid=abc")).toMatchObject({ status: 400 });
});

import { Agent, type IncomingMessage, request } from "node:http";
import type { AddressInfo } from "node:net";
import { promised, until } from "@fanfare/test-support";
import { expect, test } from "vitest";
import { type Gate, gate } from "./testing/gate.ts";
import { testAdmin } from "./testing/test-admin.ts";

test("a request that is being served while the server closes is answered, and its connection does not hold the server open", async () => {
  let shut: Gate | undefined;
  const admin = await testAdmin({
    broker: (broker) => {
      shut = gate(broker);
      return shut.broker;
    },
  });
  await admin.app.listen({ host: "127.0.0.1", port: 0 });
  const agent = new Agent({ keepAlive: true });
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    const { port } = admin.app.server.address() as AddressInfo;
    const headers = { "x-api-key": admin.key, "content-type": "application/json" };
    request({ agent, host: "127.0.0.1", port, path: "/v1/publish", method: "POST", headers }, resolve)
      .once("error", reject)
      .end('{"channel":"last","data":1}');
  });
  await until(() => (shut?.waiting === 1 ? undefined : "nothing is waiting"));

  const before = performance.now();
  const closed = admin.app.close();
  await until(() => (admin.app.server.listening ? "it still listens" : undefined));
  shut?.open();
  const response = await answered;
  response.resume();
  expect([response.statusCode, response.headers.connection]).toEqual([200, "close"]);
  await closed;
  expect(performance.now() - before).toBeLessThan(promised(1_500));
  agent.destroy();
  await admin.backend.close();
});

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { LiveRules, parseRules } from "@fanfare/access";
import { FanfareError, systemClock } from "@fanfare/domain";
import { createLog, createMetrics } from "@fanfare/telemetry";
import { until } from "@fanfare/test-support";
import { io as connect } from "socket.io-client";
import { expect, test } from "vitest";
import { acceptConnections } from "./connect.ts";
import { createLeanServer } from "./lean/lean-server.ts";
import type { GatewayParts } from "./parts.ts";

test("a client that comes while the broker is away is sent off to come again, and nothing of it stays", async () => {
  const http = createServer();
  const options = { pingInterval: 60_000, pingTimeout: 60_000, connectTimeout: 60_000, maxHttpBufferSize: 1_000 };
  const { io, close } = createLeanServer(http, options, systemClock);
  const away = { admit: () => Promise.reject(new FanfareError("BROKER_UNAVAILABLE")) };
  const stop = acceptConnections(io, {
    settings: { trustedProxies: [] },
    rules: new LiveRules(parseRules({})),
    recovery: away,
    clock: systemClock,
    log: createLog({ name: "test", level: "silent" }),
    metrics: createMetrics({ app: "gateway" }),
  } as unknown as GatewayParts);
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  const client = connect(url, { transports: ["websocket"], reconnectionDelay: 10, reconnectionDelayMax: 20 });
  let lost = 0;
  client.io.engine.on("close", () => lost++);
  client.io.on("reconnect", () => client.io.engine.on("close", () => lost++));
  const refused: unknown[] = [];
  client.on("connect_error", (error) => refused.push(error));
  try {
    await until(() => (lost >= 3 ? undefined : `sent off ${lost} times`));
  } finally {
    client.disconnect();
    await io.close();
    stop();
    close();
  }
  expect(refused).toEqual([]);
  expect((io.sockets as unknown as { _preConnectSockets: Map<string, unknown> })._preConnectSockets.size).toBe(0);
});

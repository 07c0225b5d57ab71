import { connect } from "node:net";
import { type GatewayProcess, promised, until } from "@fanfare/test-support";
import { describe, expect } from "vitest";
import { test } from "./cluster.ts";

const drainMs = 4_000;

/** A session over polling whose client no longer asks: a drain waits a second for it, which makes it long enough to look at. */
async function silentSession({ url }: GatewayProcess): Promise<void> {
  const address = `${url}/socket.io/?EIO=4&transport=polling`;
  const opened = await (await fetch(address)).text();
  const { sid } = JSON.parse(opened.slice(1)) as { sid: string };
  await fetch(`${address}&sid=${sid}`, { method: "POST", body: "40" });
}

function ready({ peerPort }: GatewayProcess): Promise<{ status: number; body: unknown }> {
  return fetch(`http://127.0.0.1:${peerPort}/readyz`).then(async (answer) => ({
    status: answer.status,
    body: await answer.json(),
  }));
}

function connection({ port }: GatewayProcess): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve("accepted");
    });
    socket.once("error", ({ message }) => resolve(message));
  });
}

describe("a node that is told to stop", () => {
  test.override({ clusterOptions: { gateways: 1, admins: 0, env: { FANFARE_DRAIN_MS: String(drainMs) } } });

  test("is not ready at once, takes nobody new, and ends in time", async ({ cluster }) => {
    const gateway = cluster.gateway(0);
    await silentSession(gateway);
    const toldMs = performance.now();
    gateway.signal("SIGTERM");
    await until(async () => ((await ready(gateway)).status === 503 ? undefined : "still ready"), promised(900));
    expect((await ready(gateway)).body).toEqual({ status: "unready", reason: "draining" });
    expect(await connection(gateway)).toContain("ECONNREFUSED");
    expect(await gateway.ended).toBe("exit 0");
    expect(performance.now() - toldMs).toBeLessThan(promised(drainMs));
  });

  test("ends at once when it is told again", async ({ cluster }) => {
    const gateway = cluster.gateway(0);
    await silentSession(gateway);
    gateway.signal("SIGTERM");
    await until(async () => ((await ready(gateway)).status === 503 ? undefined : "still ready"), promised(900));
    const againMs = performance.now();
    gateway.signal("SIGTERM");
    expect(await gateway.ended).toBe("exit 1");
    expect(performance.now() - againMs).toBeLessThan(promised(500));
  });
});

describe("a node that takes five new connections a second", () => {
  test.override({ clusterOptions: { gateways: 1, admins: 0, env: { FANFARE_ACCEPT_PER_SECOND: "5" } } });

  test("sends the others away for a moment, and in the end has them all", async ({ cluster }) => {
    const via = cluster.gateway(0);
    const transports = [["polling"], ["websocket"]] as const;
    const clients = Array.from({ length: 16 }, (_, n) => cluster.client({ via, transports: transports[n % 2], wait: false }));
    for (const client of await Promise.all(clients)) await client.welcomed();
    const text = await (await fetch(`http://127.0.0.1:${via.peerPort}/metrics`)).text();
    const limited = /fanfare_connection_errors_total\{code="RATE_LIMITED"[^}]*\} (\d+)/.exec(text)?.[1];
    expect(Number(limited)).toBeGreaterThanOrEqual(11);
  });
});

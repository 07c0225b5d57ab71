import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Page } from "playwright-core";

/* Answers of a cluster that is larger than a test can start, in place of the admin API's. */

export interface TenNodes {
  /** Has a page see them. */
  readonly standIn: (page: Page) => Promise<void>;
  /** Events so far. */
  sent(): number;
  close(): Promise<void>;
}

/** Ten nodes that tell of ten events a second each, and of the cluster's numbers once a second; an eleventh is lost at first. */
export async function tenNodes(): Promise<TenNodes> {
  const names = Array.from({ length: 10 }, (_, index) => `node-${index}`);
  const health = { cpuPercent: 40, loopDelayMs: 12, memoryBytes: 1e8, unsentBytes: 0, canaryAgeMs: 900, latencyMs: null };
  const figures = { websocket: 1_000, polling: 10, publicationsPerSecond: 0, deliveriesPerSecond: 10_000 };
  const latencyMs = { p50: 1, p99: 4 };
  const nodes = names.map((node) => ({
    node,
    peerUrl: "http://127.0.0.1:1",
    version: "0",
    startedAt: 1,
    state: "ready",
    connections: 1_010,
  }));
  const stats = () => ({
    at: Date.now(),
    nodes: 10,
    connections: 10_100,
    transports: { websocket: 10_000, polling: 100 },
    channels: 10,
    users: 0,
    publicationsPerSecond: 10,
    deliveriesPerSecond: 100_000,
    latencyMs,
    processes: names.map((process) => ({ process, ...figures, health })),
    nodesMissing: [],
  });

  const listening = new Set<ServerResponse>();
  let sent = 0;
  const server = createServer((_request, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders();
    const lost = { id: "0-1", type: "node_left", at: Date.now(), node: "node-10", reason: "lost" };
    response.write(`id: ${lost.id}\nevent: node_left\ndata: ${JSON.stringify(lost)}\n\n`);
    listening.add(response);
    response.on("close", () => listening.delete(response));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const tick = setInterval(() => {
    const told = names.map((node) => {
      const event = { id: `1-${++sent}`, type: "connected", at: Date.now(), node, connection: `c${sent}`, user: null };
      return `id: ${event.id}\nevent: connected\ndata: ${JSON.stringify(event)}\n\n`;
    });
    const { transports, ...rest } = stats();
    if (sent % 100 === 0) told.push(`event: rates\ndata: ${JSON.stringify({ ...rest, ...transports })}\n\n`);
    for (const response of listening) response.write(told.join(""));
  }, 100);

  return {
    async standIn(page) {
      await page.route("**/v1/events**", (route) => route.continue({ url }));
      await page.route("**/v1/nodes", (route) => route.fulfill({ json: { items: nodes, next: null } }));
      await page.route("**/v1/stats", (route) => route.fulfill({ json: stats() }));
    },
    sent: () => sent,
    async close() {
      clearInterval(tick);
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A list of connections of five pages. */
export async function fiveThousandConnections(page: Page): Promise<void> {
  await page.route("**/v1/connections?**", async (route) => {
    const from = Number(new URL(route.request().url()).searchParams.get("cursor") ?? 0);
    const items = Array.from({ length: 1_000 }, (_, index) => ({
      id: `c${String(from + index).padStart(5, "0")}`,
      user: null,
      node: "a",
      transport: "websocket",
      address: "::1",
      since: 1,
      channels: [],
      unsentBytes: 0,
    }));
    await route.fulfill({ json: { items, next: from < 4_000 ? String(from + 1_000) : null, nodesMissing: [] } });
  });
}

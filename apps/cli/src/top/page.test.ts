import { expect, test } from "vitest";
import { topPage } from "./page.ts";
import type { View } from "./view.ts";

const ink = { bold: String, dim: String, red: (text: string) => `<red>${text}`, yellow: (text: string) => `<yellow>${text}` };

function view({ delayMs = 4, canaryAgeMs = 900, state = "ready" as "ready" | "draining" } = {}): View {
  const health = {
    cpuPercent: 31.4,
    loopDelayMs: delayMs,
    memoryBytes: 104_857_600,
    unsentBytes: 5,
    canaryAgeMs,
    latencyMs: { p50: 1.26, p99: 14 },
  };
  const figures = { websocket: 1_180, polling: 20, publicationsPerSecond: 0, deliveriesPerSecond: 11_000.4 };
  return {
    stats: {
      at: 1,
      nodes: 1,
      connections: 1_234_567,
      transports: { websocket: 1_234_547, polling: 20 },
      channels: 35_000,
      users: 900_000,
      publicationsPerSecond: 4.5,
      deliveriesPerSecond: 11_000.4,
      latencyMs: { p50: 1.26, p99: 14 },
      processes: [
        { process: "gateway-1", ...figures, health },
        { process: "admin-3f2a", ...figures, publicationsPerSecond: 40, deliveriesPerSecond: 0 },
      ],
      nodesMissing: ["gateway-with-a-name-that-is-as-long-as-names-may-be-and-then-some"],
    },
    nodes: [
      {
        node: "gateway-1",
        peerUrl: "http://10.0.0.1:8100",
        sidPrefix: "0123abcd",
        startedAt: 1,
        connections: 1_200,
        state,
        version: "1",
      },
    ],
    slow: [
      {
        id: "kT0qGm2hJx8zVb4dAAAB",
        user: "somebody-with-a-very-long-name@example.com",
        node: "gateway-1",
        transport: "websocket",
        address: "203.0.113.7",
        since: 1,
        channels: [],
        unsentBytes: 524_288,
      },
    ],
  };
}

test("the page has all there is to know, in 80 columns", () => {
  const lines = topPage(view(), [0, 5_500, 11_000], ink);
  for (const line of lines) expect(line.replace(/^<\w+>/, "").length, line).toBeLessThanOrEqual(80);
  expect(lines.join("\n")).toMatchInlineSnapshot(`
    "1,234,567 connections (20 polling), 900,000 users, 35,000 channels, 1 node
    4.5/s published, 11,000/s delivered, latency 1.3ms, p99 14ms
    delivered/s ▁▅█

    NODE                   STATE   CLIENTS    OUT/S     P99   LOOP  CPU   MEM
    gateway-1              ready     1,200   11,000    14ms  4.0ms  31%  100M
    admin-3f2a             publishes 40/s
    <yellow>gateway-with-a-name-t… is missing: its connections may be lacking here

    BEHIND                 USER              NODE            UNSENT    VIA
    kT0qGm2hJx8zVb4dAAAB   somebody-with-a-… gateway-1       512K      websocket"
  `);
});

test("what is worth a look stands out: a node that drains, lags or hears no canary", () => {
  const lineOf = (one: View) => topPage(one, [], ink).find((line) => line.includes("gateway-1 "));
  expect(lineOf(view())).toMatch(/^gateway-1/);
  expect(lineOf(view({ state: "draining" }))).toMatch(/^<yellow>/);
  expect(lineOf(view({ delayMs: 250 }))).toMatch(/^<yellow>/);
  expect(lineOf(view({ canaryAgeMs: 60_000 }))).toMatch(/^<red>/);
});

test("a cluster that says less, because it is older or has just begun, is shown with gaps", () => {
  const { stats, nodes } = view();
  const lines = topPage({ stats: { ...stats, latencyMs: null, processes: [], nodesMissing: [] }, nodes, slow: [] }, [], ink);
  expect(lines).toContain("No connection is behind.");
  expect(lines.find((line) => line.startsWith("gateway-1"))).toMatch(/-\s+-\s+-\s+-\s+-$/);
});

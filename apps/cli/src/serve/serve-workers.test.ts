import { loadSettings } from "@fanfare/config";
import { expect, test } from "vitest";
import { restartPauseMs } from "./restart-pause.ts";
import { apiSettings, innerPortsOf, nodeSettings } from "./worker-settings.ts";

const settings = (env: Record<string, string> = {}) => ({
  ...loadSettings({ env: { FANFARE_REDIS_URL: "redis://a", FANFARE_WORKERS: "3", ...env } }),
  clusterSecret: "hush",
});

test("workers have the public port in common and peer ports in a row", () => {
  const nodes = [0, 1, 2].map((place) => nodeSettings(settings(), place));
  expect(nodes.map(({ port }) => port)).toEqual([8_000, 8_000, 8_000]);
  expect(nodes.map(({ peerPort }) => peerPort)).toEqual([8_100, 8_101, 8_102]);
  expect(nodeSettings(settings({ FANFARE_PEER_PORT: "0" }), 2).peerPort).toBe(0);
  expect(innerPortsOf(settings()).map(({ flag, port }) => [flag, port])).toEqual([
    ["--admin-port", 9_000],
    ["--peer-port", 8_100],
    ["--peer-port", 8_101],
    ["--peer-port", 8_102],
  ]);
  expect(innerPortsOf(settings({ FANFARE_PEER_PORT: "0" }))).toHaveLength(1);
});

test("what names one node is told apart among the workers", () => {
  const env = { FANFARE_NODE: "rack1", FANFARE_PEER_URL: "http://10.0.0.7:8100" };
  const nodes = [0, 1].map((place) => nodeSettings(settings(env), place));
  expect(nodes.map(({ node }) => node)).toEqual(["rack1-1", "rack1-2"]);
  expect(nodes.map(({ peerUrl }) => peerUrl)).toEqual(["http://10.0.0.7:8100", "http://10.0.0.7:8101"]);
  expect(nodeSettings(settings({ FANFARE_PEER_URL: "https://n.example/a/" }), 1).peerUrl).toBe("https://n.example:444/a");
  expect(nodeSettings(settings(), 0)).not.toHaveProperty("node");
});

test("no worker starts workers", () => {
  expect(nodeSettings(settings(), 1).workers).toBe(1);
  expect(apiSettings(settings()).workers).toBe(1);
});

test("a worker that ran well is started again at once, one that fails again and again ever later", () => {
  expect(restartPauseMs(0, 60_000)).toBe(0);
  const pauses = [];
  for (let pauseMs = restartPauseMs(0, 50); pauses.length < 8; pauseMs = restartPauseMs(pauseMs, 50)) pauses.push(pauseMs);
  expect(pauses).toEqual([200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000]);
  expect(restartPauseMs(5_000, 60_000)).toBe(0);
});

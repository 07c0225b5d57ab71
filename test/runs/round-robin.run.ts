import { setTimeout as pause } from "node:timers/promises";
import { until } from "@fanfare/test-support";
import { expect } from "vitest";
import { test } from "../cluster/cluster.ts";
import { PythonClient } from "../cluster/python.ts";
import { startRoundRobin } from "../conformance/round-robin.ts";
import { caughtUp, channels, connectCrowd, metric, report, startProducer } from "./crowd.ts";
import { summary } from "./watcher.ts";

/** For each client: what one publication a second makes in ten minutes, at five a second. */
const each = 600;
const perSecond = 50;

test.override({ clusterOptions: { gateways: 3, env: { FANFARE_CLUSTER_SECRET: "of-all-nodes-and-of-nobody-else" } } });

test("clients whose every request goes to the next of three nodes stay connected and miss nothing", async ({ cluster }) => {
  const balancer = await startRoundRobin(() => cluster.liveGateways.map(({ port }) => port));
  const watchers = await connectCrowd(balancer.url);
  const [channel = ""] = channels;
  const pythons = (["polling", "websocket", "both"] as const).map((kind) => new PythonClient(balancer.url, kind, channel));
  for (const one of pythons) await one.says("fanfare:welcome");
  const producer = startProducer(cluster, perSecond);
  let echoes = 0;
  while (producer.total < each * channels.length) {
    // Each of them says something, too: with polling, by a post that also lands anywhere.
    await Promise.all(watchers.map(({ socket }, n) => socket.timeout(20_000).emitWithAck("echo", n)));
    echoes += watchers.length;
    await pause(10_000);
  }
  await producer.stop();
  await caughtUp(watchers, producer);
  const published = producer.published.get(channel) ?? 0;
  for (const one of pythons) {
    await until(() => (one.all("message").length >= published ? undefined : "a python client is behind"), 20_000);
    expect(one.all("message")).toHaveLength(published);
    expect(one.all("disconnect")).toEqual([]);
  }
  const unknown = await metric(cluster, "fanfare_connection_errors_total", `code="ENGINE_1"`);
  const figures = summary(watchers);
  report("round robin, every request elsewhere", {
    ...figures,
    published: producer.total,
    deliveries: watchers.reduce((sum, { heard }) => sum + heard, 0),
    echoes,
    forwardedPolls: await metric(cluster, "fanfare_relay_requests_total", `kind="poll"`, `outcome="forwarded"`),
    forwardedPosts: await metric(cluster, "fanfare_relay_requests_total", `kind="post"`, `outcome="forwarded"`),
    sessionIdUnknown: unknown,
  });
  expect(unknown).toBe(0);
  expect(figures).toMatchObject({ missed: 0, doubled: 0, disordered: 0, resets: 0, reconnects: 0, refusals: 0 });
  for (const watcher of watchers) watcher.close();
  for (const one of pythons) one.stop();
  await balancer.close();
});

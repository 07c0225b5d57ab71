import { type ChildProcess, execFileSync, fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { until } from "@fanfare/test-support";
import { expect } from "vitest";
import { test } from "../cluster/cluster.ts";
import { metric, report } from "./crowd.ts";

/*
 * Clients that read nothing and answer every ping, 1 MB a second to each, beside one that reads, compared with as many that
 * read: what they are sent costs the node the same. It has a core of its own where there are two, so that what is compared is how
 * late the node is, not how busy the machine.
 */
const count = Number(process.env.RUN_CLIENTS ?? 200);
const bytes = 20_000;
const everyMs = 20;
const pingMs = 500;
const calmMs = 10_000;
const droppedWithinMs = 5_000;
/** A look at the metrics takes the node several milliseconds. */
const lookMs = 500;
const adminKey = randomBytes(18).toString("base64url");

test.override({
  clusterOptions: {
    gateways: 1,
    env: {
      FANFARE_ADMIN_KEYS: `publisher:${adminKey}`,
      FANFARE_PING_INTERVAL_MS: String(pingMs),
      FANFARE_PING_TIMEOUT_MS: "5000",
    },
  },
});

test(`${count} clients that read nothing are dropped in time, and whoever reads hardly notices`, async ({ cluster }) => {
  const node = cluster.gateway(0);
  const admin = cluster.admin(0);
  if (availableParallelism() > 1) {
    pin(node.pid, 0);
    for (const pid of [process.pid, admin.pid, cluster.redis.pid]) pin(pid, 1);
  }
  const children: ChildProcess[] = [];
  const start = (...args: readonly (string | number)[]): ChildProcess => {
    // Started by a pinned process, they are where it is.
    const child = fork(fileURLToPath(new URL("non-reading.mjs", import.meta.url)), args.map(String));
    children.push(child);
    return child;
  };
  try {
    const reader = start("read", node.port);
    await once(reader, "message");
    let readerClosed = false;
    reader.on("message", ({ kind }: { kind: string }) => {
      readerClosed ||= kind === "closed";
    });
    const latencies = async (): Promise<number[]> => {
      reader.send("take");
      const [{ latenciesMs }] = await once(reader, "message");
      return latenciesMs;
    };
    const crowd = async (role: "drain" | "ignore"): Promise<ChildProcess> => {
      const child = start(role, node.port, count, pingMs / 2);
      await once(child, "message");
      await latencies();
      return child;
    };
    start("publish", admin.port, adminKey, bytes, everyMs);
    await pause(calmMs);
    const alone = (await latencies()).sort((a, b) => a - b);

    const reading = await crowd("drain");
    await pause(calmMs);
    const calm = (await latencies()).sort((a, b) => a - b);
    reading.disconnect();
    await once(reading, "exit");
    const before = residentMb(node.pid);

    const droppedAtMs: number[] = [];
    const ignoring = await crowd("ignore");
    ignoring.on("message", ({ kind, atMs = 0 }: { kind: string; atMs?: number }) => {
      if (kind === "dropped") droppedAtMs.push(atMs);
    });

    const tooSlowAtMs: number[] = [];
    let peak = before;
    await until(async () => {
      await pause(lookMs);
      peak = Math.max(peak, residentMb(node.pid));
      const known = await metric(cluster, "fanfare_slow_clients_total", `outcome="disconnected"`);
      while (tooSlowAtMs.length < known) tooSlowAtMs.push(performance.timeOrigin + performance.now());
      return droppedAtMs.length === count ? undefined : `${droppedAtMs.length} of ${count} dropped`;
    }, 60_000);
    const stormy = (await latencies()).sort((a, b) => a - b);
    // Who is too slow first and who is dropped first are not always the same: the curves are compared.
    const lags = droppedAtMs.sort((a, b) => a - b).map((at, index) => at - (tooSlowAtMs[index] ?? at));
    report("non-readers", {
      clients: count,
      aloneP50Ms: percentile(alone, 0.5),
      aloneP99Ms: percentile(alone, 0.99),
      calmP50Ms: percentile(calm, 0.5),
      calmP95Ms: percentile(calm, 0.95),
      calmP99Ms: percentile(calm, 0.99),
      stormyP50Ms: percentile(stormy, 0.5),
      stormyP95Ms: percentile(stormy, 0.95),
      stormyP99Ms: percentile(stormy, 0.99),
      publications: stormy.length,
      droppedAfterMsMax: Math.round(Math.max(...lags)),
      residentMb: `${before} → ${peak}`,
    });
    expect(Math.max(...lags)).toBeLessThanOrEqual(droppedWithinMs);
    expect(peak - before).toBeLessThanOrEqual(200);
    // The slowest wait for the kernel, which is filling the buffers of those who do not read (docs/SECURITY.md).
    expect(percentile(stormy, 0.5)).toBeLessThanOrEqual(2 * percentile(calm, 0.5));
    expect(readerClosed).toBe(false);
  } finally {
    for (const child of children) if (child.connected) child.disconnect();
  }
});

/** Of util-linux, which every distribution installs. */
const affinityTool = "taskset";

function pin(pid: number, core: number): void {
  execFileSync(affinityTool, ["--all-tasks", "--cpu-list", "--pid", String(core), String(pid)], { stdio: "ignore" });
}

/** In tenths of a millisecond: what is compared may be a few. */
function percentile(sorted: readonly number[], share: number): number {
  return Math.round((sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0) * 10) / 10;
}

function residentMb(pid: number): number {
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1_024);
}

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
 * late the node is, not how busy the machine. Calm and storm take turns, because what a storm costs depends on where the kernel gets
 * its buffers from: memory that is touched for the first time since the machine began, a virtual one has to ask its host for. So the
 * first round is reported by itself.
 */
const rounds = Number(process.env.RUN_ROUNDS ?? 5);
const count = Number(process.env.RUN_CLIENTS ?? 200);
const bytes = 20_000;
const everyMs = 20;
const pingMs = 500;
const calmMs = 10_000;
const droppedWithinMs = 5_000;
/** A look at the metrics takes the node several milliseconds. */
const lookMs = 500;
/** Between rounds the kernel's buffers and the node's memory are back to within so much of what they were. */
const restMb = { kernel: 16, node: 64 };
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
    const slowClients = (): Promise<number> => metric(cluster, "fanfare_slow_clients_total", `outcome="disconnected"`);
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
    const leave = async (child: ChildProcess): Promise<void> => {
      child.disconnect();
      await once(child, "exit");
    };
    start("publish", admin.port, adminKey, bytes, everyMs);
    await pause(calmMs);
    report("non-readers, nobody else", { ...percentiles("alone", await latencies()) });
    const atRest = { kernel: kernelMb(), node: residentMb(node.pid) };
    const rested = (): Promise<void> =>
      until(async () => {
        await pause(lookMs);
        const [kernel, own] = [kernelMb() - atRest.kernel, residentMb(node.pid) - atRest.node];
        return kernel <= restMb.kernel && own <= restMb.node ? undefined : `kernel + ${kernel} MB, node + ${own} MB`;
      }, 60_000);

    const ratios: number[] = [];
    for (let round = 1; round <= rounds; round++) {
      const reading = await crowd("drain");
      await pause(calmMs);
      const calm = percentiles("calm", await latencies());
      await leave(reading);
      await rested();

      const before = residentMb(node.pid);
      const slowBefore = await slowClients();
      const droppedAtMs: number[] = [];
      const ignoring = await crowd("ignore");
      ignoring.on("message", ({ kind, atMs = 0 }: { kind: string; atMs?: number }) => {
        if (kind === "dropped") droppedAtMs.push(atMs);
      });
      const tooSlowAtMs: number[] = [];
      let peak = before;
      let kernelPeak = kernelMb();
      await until(async () => {
        await pause(lookMs);
        peak = Math.max(peak, residentMb(node.pid));
        kernelPeak = Math.max(kernelPeak, kernelMb());
        const known = (await slowClients()) - slowBefore;
        while (tooSlowAtMs.length < known) tooSlowAtMs.push(performance.timeOrigin + performance.now());
        return droppedAtMs.length === count ? undefined : `${droppedAtMs.length} of ${count} dropped`;
      }, 60_000);
      const storm = await latencies();
      const stormy = percentiles("stormy", storm);
      await leave(ignoring);
      // Who is too slow first and who is dropped first are not always the same: the curves are compared.
      const lags = droppedAtMs.sort((a, b) => a - b).map((at, index) => at - (tooSlowAtMs[index] ?? at));
      const ratio = Math.round((stormy.stormyP99Ms / calm.calmP99Ms) * 100) / 100;
      ratios.push(ratio);
      report(round === 1 ? "non-readers, first round: memory may be fresh" : `non-readers, round ${round}`, {
        clients: count,
        ...calm,
        ...stormy,
        p99Ratio: ratio,
        publications: storm.length,
        droppedAfterMsMax: Math.round(Math.max(...lags)),
        residentMb: `${before} → ${peak}`,
        kernelMb: `${atRest.kernel} → ${kernelPeak}`,
      });
      expect(Math.max(...lags)).toBeLessThanOrEqual(droppedWithinMs);
      expect(peak - before).toBeLessThanOrEqual(200);
      expect(stormy.stormyP50Ms).toBeLessThanOrEqual(2 * calm.calmP50Ms);
      expect(readerClosed).toBe(false);
      await rested();
    }
    const median = [...ratios].sort((a, b) => a - b)[Math.floor(ratios.length / 2)];
    report("non-readers, p99 of others over p99 beside as many that read", { rounds: ratios.join(" "), median: median ?? "" });
    expect(median).toBeLessThanOrEqual(2);
  } finally {
    for (const child of children) if (child.connected) child.disconnect();
  }
});

/** Of util-linux, which every distribution installs. */
const affinityTool = "taskset";

function pin(pid: number, core: number): void {
  execFileSync(affinityTool, ["--all-tasks", "--cpu-list", "--pid", String(core), String(pid)], { stdio: "ignore" });
}

type Named<Name extends string> = Readonly<Record<`${Name}P50Ms` | `${Name}P95Ms` | `${Name}P99Ms`, number>>;

/** In tenths of a millisecond: what is compared may be a few. */
function percentiles<Name extends string>(name: Name, values: readonly number[]): Named<Name> {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number =>
    Math.round((sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN) * 10) / 10;
  return { [`${name}P50Ms`]: at(0.5), [`${name}P95Ms`]: at(0.95), [`${name}P99Ms`]: at(0.99) } as Named<Name>;
}

function residentMb(pid: number): number {
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1_024);
}

/** What all TCP connections of the machine hold in the kernel. */
function kernelMb(): number {
  const pages = Number(/^TCP:.* mem (\d+)/m.exec(readFileSync("/proc/net/sockstat", "utf8"))?.[1]);
  return Math.round((pages * 4_096) / 1_048_576);
}

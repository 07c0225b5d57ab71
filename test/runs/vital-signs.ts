import { type Cluster, until } from "@fanfare/test-support";

/** What a process holds at a moment. Redis has files and handles of its own, which are not looked at. */
export interface Sample {
  readonly atMs: number;
  readonly residentKiB: number;
  readonly descriptors: number;
  readonly handles: number;
  readonly connections: number;
  /** How late the event loop was in the second before, on the average. */
  readonly lateMs: number;
}

/** All processes that run, and Redis, by their names. */
export async function sample(cluster: Cluster): Promise<ReadonlyMap<string, Sample>> {
  const samples = new Map<string, Sample>();
  const processes = [
    ...cluster.liveGateways.map(({ label, peerPort }) => ({ label, port: peerPort })),
    ...cluster.admins.map(({ label, port }) => ({ label, port })),
  ];
  for (const { label, port } of processes) {
    // One that is just being stopped has nothing to tell.
    const text = await fetch(`http://127.0.0.1:${port}/metrics`).then(
      (answer) => answer.text(),
      () => undefined,
    );
    if (text === undefined) continue;
    samples.set(label, {
      atMs: performance.now(),
      residentKiB: total(text, "process_resident_memory_bytes") / 1_024,
      descriptors: total(text, "process_open_fds"),
      handles: total(text, "nodejs_active_handles_total"),
      connections: total(text, "fanfare_connections"),
      lateMs: total(text, "fanfare_event_loop_delay_seconds") * 1_000,
    });
  }
  // On a machine that has no time, a new connection may take too long: then there is one sample less.
  const memory = await cluster.redis.cli("info", "memory").catch(() => undefined);
  const used = /used_memory:(\d+)/.exec(String(memory))?.[1];
  if (used === undefined) return samples;
  const redis = {
    atMs: performance.now(),
    residentKiB: Number(used) / 1_024,
    descriptors: 0,
    handles: 0,
    connections: 0,
    lateMs: 0,
  };
  return samples.set("redis", redis);
}

export interface Sampling {
  /** The lives of all processes that there were. */
  end(): Promise<ReadonlyMap<string, readonly Sample[]>>;
}

/** Looks every ten seconds. */
export function startSampling(cluster: Cluster): Sampling {
  const lives = new Map<string, Sample[]>();
  let going = true;
  const looking = (async () => {
    for (let nextMs = performance.now(); going; nextMs += 10_000) {
      for (const [label, seen] of await sample(cluster)) lives.set(label, [...(lives.get(label) ?? []), seen]);
      await until(() => (going && performance.now() < nextMs + 10_000 ? "time" : undefined), 20_000);
    }
  })();
  return {
    async end() {
      going = false;
      await looking;
      return lives;
    },
  };
}

/** The slope of resident memory in KiB a minute by least squares, leaving out how it warms up; undefined for a short life. */
export function growthPerMinute(life: readonly Sample[], warmMinutes: number): number | undefined {
  const from = (life[0]?.atMs ?? 0) + warmMinutes * 60_000;
  const points = life.filter(({ atMs }) => atMs >= from).map(({ atMs, residentKiB }) => [atMs / 60_000, residentKiB] as const);
  // Half a minute of points is a guess.
  if (points.length < 12) return undefined;
  const meanX = points.reduce((sum, [x]) => sum + x, 0) / points.length;
  const meanY = points.reduce((sum, [, y]) => sum + y, 0) / points.length;
  const over = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0);
  return over / points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
}

/** The sum of a metric over its labels. */
function total(text: string, name: string): number {
  return text
    .split("\n")
    .filter((one) => one.startsWith(`${name}{`) || one.startsWith(`${name} `))
    .reduce((sum, one) => sum + Number(one.split(" ").at(-1)), 0);
}

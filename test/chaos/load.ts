import type { Acked, Cluster, SharedRedis } from "@fanfare/test-support";

/** Publishers that never give up: 100 publications a second, each tried again with the same id until it is stored. */
export interface Load {
  readonly acked: readonly Acked[];
  /** When the publication with this id was answered 2xx. */
  readonly ackedAtMs: ReadonlyMap<string, number>;
  /** Resolves when everything that was begun is stored. Idempotent. */
  stop(): Promise<void>;
}

const everyMs = 10;

export function startLoad(cluster: Cluster<SharedRedis>, channels: readonly string[], run: string, payloadBytes = 0): Load {
  const acked: Acked[] = [];
  const ackedAtMs = new Map<string, number>();
  const pending = new Set<Promise<void>>();
  const failures: unknown[] = [];
  const padding = payloadBytes === 0 ? {} : { padding: "x".repeat(payloadBytes) };
  let n = 0;

  const publish = async (): Promise<void> => {
    n++;
    const id = `${run}-${n}`;
    const one = await cluster.publishUntilStored(channels[n % channels.length] ?? "", { n, ...padding }, id);
    acked.push(one);
    ackedAtMs.set(id, one.ackedAtMs);
  };
  const startedMs = performance.now();
  // As many as are due, not one a tick: a timer that is late must not lower the rate.
  const timer = setInterval(() => {
    while (n < (performance.now() - startedMs) / everyMs) {
      const publishing = publish()
        .catch((failure: unknown) => void failures.push(failure))
        .finally(() => pending.delete(publishing));
      pending.add(publishing);
    }
  }, everyMs);

  return {
    acked,
    ackedAtMs,
    async stop() {
      clearInterval(timer);
      while (pending.size > 0) await Promise.all(pending);
      if (failures.length > 0) throw new AggregateError(failures, "publishers had to give up");
    },
  };
}

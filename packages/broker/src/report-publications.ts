import type { Clock, Registry } from "@fanfare/domain";

export interface PublicationsReport {
  readonly registry: Pick<Registry, "report">;
  /** A name that no other process has. */
  readonly process: string;
  /** Publications stored per second since it was last asked. */
  readonly perSecond: () => Promise<number>;
  readonly clock: Pick<Clock, "after">;
}

const periodMs = 2_000;

/**
 * Says every two seconds how much a process publishes that has no connections of its own, for the cluster's numbers. While
 * the broker is away nothing is said and nothing is logged: whoever publishes notices that first. The returned function ends it.
 */
export function reportPublications({ registry, process, perSecond, clock }: PublicationsReport): () => void {
  let stopped = false;
  let callOff = (): void => undefined;
  const round = async (): Promise<void> => {
    const publicationsPerSecond = await perSecond();
    const figures = { websocket: 0, polling: 0, publicationsPerSecond, deliveriesPerSecond: 0 };
    await registry.report(process, figures, 3 * periodMs).catch(() => undefined);
    if (!stopped) callOff = clock.after(periodMs, round);
  };
  void round();
  return () => {
    stopped = true;
    callOff();
  };
}

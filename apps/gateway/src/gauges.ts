import type { GatewayParts } from "./parts.ts";

const roundMs = 2_000;

export interface GaugeSources {
  readonly ready: () => boolean;
  /** Undefined before the first time, as is a canary's. */
  readonly leaseAgeMs: () => number | undefined;
}

/** Keeps the gauges true that no event changes. The returned function ends that. */
export function keepGauges(
  { metrics, fanout, clock, revocations }: Pick<GatewayParts, "metrics" | "fanout" | "clock" | "revocations">,
  { ready, leaseAgeMs }: GaugeSources,
): () => void {
  let stop = (): void => undefined;
  const round = (): void => {
    const { channels, subscriptions } = fanout.audience;
    metrics.channels.set(channels);
    metrics.subscriptions.set(subscriptions);
    metrics.heldConnections.set(fanout.held);
    metrics.revocations.set(revocations?.size ?? 0);
    metrics.brokerUp.set(fanout.healthy ? 1 : 0);
    metrics.ready.set(ready() ? 1 : 0);
    metrics.canaryAge.set(seconds(fanout.canaryAgeMs));
    metrics.leaseAge.set(seconds(leaseAgeMs()));
    stop = clock.after(roundMs, round);
  };
  round();
  return () => stop();
}

function seconds(ms: number | undefined): number {
  return ms === undefined ? -1 : ms / 1_000;
}

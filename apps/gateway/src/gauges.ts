import type { GatewayParts } from "./parts.ts";

const roundMs = 2_000;

/** Keeps the gauges true that no event changes. The returned function ends that. */
export function keepGauges({
  metrics,
  fanout,
  clock,
  revocations,
}: Pick<GatewayParts, "metrics" | "fanout" | "clock" | "revocations">): () => void {
  let stop = (): void => undefined;
  const round = (): void => {
    const { channels, subscriptions } = fanout.audience;
    metrics.channels.set(channels);
    metrics.subscriptions.set(subscriptions);
    metrics.heldConnections.set(fanout.held);
    metrics.revocations.set(revocations?.size ?? 0);
    metrics.brokerUp.set(fanout.healthy ? 1 : 0);
    stop = clock.after(roundMs, round);
  };
  round();
  return () => stop();
}

import type { FanoutObserver } from "@fanfare/fanout";
import type { Metrics } from "@fanfare/telemetry";
import type { HealthMeter } from "./node-health.ts";

/** Counts what the fan-out does; `health` measures how long it takes, where somebody wants to know. */
export function observeFanout(metrics: Metrics, health?: Pick<HealthMeter, "delivered">): FanoutObserver {
  return {
    announcement: (outcome) => metrics.announcements.inc({ outcome }),
    delivered: (count, seq) => {
      metrics.deliveries.inc(count);
      if (seq !== undefined && health !== undefined) metrics.deliveryDelay.observe(health.delivered(seq) / 1_000);
    },
    replayed: (count) => metrics.replayed.inc(count),
    repaired: (outcome) => metrics.repairs.inc({ outcome }),
    reset: (reason) => metrics.resets.inc({ reason }),
    flushed: (connections) => {
      metrics.flushes.inc();
      metrics.flushed.inc(connections);
    },
    slow: (outcome) => metrics.slowClients.inc({ outcome }),
    canary: (tookMs) => metrics.canaryDuration.observe(tookMs / 1_000),
    withheld: (rule) => metrics.withheld.inc({ rule }),
  };
}

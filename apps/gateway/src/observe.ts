import type { FanoutObserver } from "@fanfare/fanout";
import type { Metrics } from "@fanfare/telemetry";

/** Counts what the fan-out does. */
export function observeFanout(metrics: Metrics): FanoutObserver {
  return {
    announcement: (outcome) => metrics.announcements.inc({ outcome }),
    delivered: (count) => metrics.deliveries.inc(count),
    replayed: (count) => metrics.replayed.inc(count),
    repaired: (outcome) => metrics.repairs.inc({ outcome }),
    reset: (reason) => metrics.resets.inc({ reason }),
    flushed: (connections) => {
      metrics.flushes.inc();
      metrics.flushed.inc(connections);
    },
    slow: (outcome) => metrics.slowClients.inc({ outcome }),
    withheld: (rule) => metrics.withheld.inc({ rule }),
  };
}

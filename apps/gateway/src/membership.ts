import { limits, type NodeRecord } from "@fanfare/domain";
import type { GatewayParts } from "./parts.ts";

const leaseMs = limits.nodeLeaseSeconds * 1_000;
/** Two renewals may fail. */
const renewMs = leaseMs / 3;

export interface Lease {
  /** Resolves when the node was first told to the directory, or could not be. Never rejects. */
  readonly told: Promise<void>;
  /** Tells the directory now what has changed. Never rejects. */
  renew(): Promise<void>;
  end(): Promise<void>;
  /** How long ago it was last renewed, undefined before the first time. */
  readonly ageMs: number | undefined;
}

/** Keeps this node in the directory. */
export function keepLease(
  { directory, clock, log, metrics }: Pick<GatewayParts, "directory" | "clock" | "log" | "metrics">,
  record: () => NodeRecord,
): Lease {
  let stopped = false;
  let broken = false;
  let callOff = (): void => undefined;
  let renewal: Promise<void> = Promise.resolve();
  let renewedAtMs: number | undefined;

  const renew = async (): Promise<void> => {
    const fromMs = clock.monotonic();
    try {
      await directory.renew(record(), leaseMs);
      // From when it was sent: the broker may have begun to count then.
      renewedAtMs = fromMs;
      metrics.leaseDuration.observe((clock.monotonic() - fromMs) / 1_000);
      if (broken) log.info("lease renewed again");
      broken = false;
    } catch (err) {
      if (!broken) log.warn({ err }, "lease not renewed");
      broken = true;
    }
  };
  /** One after another, so that what is there in the end is what was said last. */
  const round = (): Promise<void> => {
    callOff();
    renewal = renewal.then(async () => {
      if (stopped) return;
      await renew();
      callOff();
      callOff = clock.after(renewMs, round);
    });
    return renewal;
  };

  return {
    told: round(),
    renew: round,
    get ageMs() {
      return renewedAtMs === undefined ? undefined : clock.monotonic() - renewedAtMs;
    },
    async end() {
      stopped = true;
      await renewal;
      callOff();
      await directory.leave(record().node).catch(() => undefined);
    },
  };
}

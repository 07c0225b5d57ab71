import type { Channel, NodeRecord } from "@fanfare/domain";
import type { GatewayParts } from "./parts.ts";

/** A node that has not renewed for three periods is gone to the others. */
const renewMs = 2_000;
const leaseMs = 3 * renewMs;

export interface Lease {
  /** Resolves when the node was first told to the directory, or could not be. Never rejects. */
  readonly told: Promise<void>;
  /** Tells the directory now what has changed. Never rejects. */
  renew(): Promise<void>;
  end(): Promise<void>;
}

/** Keeps this node in the directory, with how many subscribers it has for each channel. */
export function keepLease(
  { directory, fanout, clock, log }: Pick<GatewayParts, "directory" | "fanout" | "clock" | "log">,
  record: () => NodeRecord,
): Lease {
  let told = new Map<Channel, number>();
  let stopped = false;
  let broken = false;
  let callOff = (): void => undefined;
  let renewal: Promise<void> = Promise.resolve();

  const renew = async (): Promise<void> => {
    const counts = new Map(fanout.subscribers());
    try {
      if ((await directory.renew(record(), changes(told, counts), leaseMs)) === "new") {
        // Whatever was written before went with the old lease.
        await directory.renew(record(), counts, leaseMs);
      }
      told = counts;
      if (broken) log.info("lease renewed again");
      broken = false;
    } catch (err) {
      if (!broken) log.warn({ err }, "lease not renewed");
      broken = true;
    }
  };
  /** One after another: each renewal writes what has changed since the one before. */
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
    async end() {
      stopped = true;
      await renewal;
      callOff();
      await directory.leave(record().node).catch(() => undefined);
    },
  };
}

/** What differs between two counts; a channel that is no longer there counts 0. */
function changes(before: ReadonlyMap<Channel, number>, after: ReadonlyMap<Channel, number>): Map<Channel, number> {
  const changed = new Map<Channel, number>();
  for (const [channel, count] of after) if (before.get(channel) !== count) changed.set(channel, count);
  for (const channel of before.keys()) if (!after.has(channel)) changed.set(channel, 0);
  return changed;
}

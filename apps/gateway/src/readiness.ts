import type { Settings } from "@fanfare/config";
import type { Fanout } from "@fanfare/fanout";
import type { Shed } from "./shed.ts";

/** Why a node should get no new clients, and the status of /readyz that says so. */
export interface Unready {
  readonly reason: string;
  readonly status: number;
}

export interface ReadinessParts {
  readonly draining: () => boolean;
  readonly fanout: Pick<Fanout, "healthy">;
  readonly shed: Pick<Shed, "burden"> | undefined;
  readonly settings: Pick<Settings, "drainStatus">;
}

/** Asks whether the node should get new clients; answers why not. The reason that lasts is named before one that passes. */
export function readiness({ draining, fanout, shed, settings }: ReadinessParts): () => Unready | undefined {
  return () => {
    if (draining()) return { reason: "draining", status: Number(settings.drainStatus) };
    if (!fanout.healthy) return { reason: "publications do not reach this node", status: 503 };
    const burden = shed?.burden;
    return burden === undefined ? undefined : { reason: `overloaded: ${burden}`, status: 503 };
  };
}

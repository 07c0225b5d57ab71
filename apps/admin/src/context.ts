import type { AdminKeys, Rules } from "@fanfare/access";
import type { Broker, Clock, Directory, FanfareError, Presence, Registry, Revocations } from "@fanfare/domain";
import type { Metrics } from "@fanfare/telemetry";
import type { Peers } from "./peers.ts";
import type { Publisher } from "./publisher.ts";
import type { TellNodes } from "./tell-nodes.ts";

/** What the routes stand on. */
export interface Context {
  readonly broker: Broker;
  readonly directory: Directory;
  readonly registry: Registry;
  readonly presence: Presence;
  readonly revocations: Revocations;
  /** How long the longest token lives. */
  readonly tokenTtlMaxMs: number;
  readonly tellNodes: TellNodes;
  readonly clock: Clock;
  readonly peers: Peers;
  readonly rules: Rules;
  readonly keys: AdminKeys;
  readonly metrics: Metrics;
  readonly publish: Publisher;
  readonly logError: (error: FanfareError, requestId: string, route: string | undefined) => void;
  /** Aborted when the server begins to close: streams end at the next line. */
  readonly closing: AbortSignal;
}

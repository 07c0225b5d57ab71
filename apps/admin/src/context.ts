import type { AdminKeys, Rules, TokenVerifier } from "@fanfare/access";
import type {
  Broker,
  Clock,
  Deliveries,
  Directory,
  FanfareError,
  LifecycleLog,
  Presence,
  Receipts,
  Registry,
  Revocations,
  Schedule,
} from "@fanfare/domain";
import type { Metrics } from "@fanfare/telemetry";
import type { AtomicPublisher } from "./atomic.ts";
import type { Peers } from "./peers.ts";
import type { Publisher } from "./publisher.ts";
import type { TellNodes } from "./tell-nodes.ts";

/** What the routes stand on. */
export interface Context {
  readonly broker: Broker;
  readonly directory: Directory;
  readonly registry: Registry;
  readonly presence: Presence;
  readonly lifecycle: LifecycleLog;
  readonly deliveries: Deliveries;
  readonly receipts: Receipts;
  readonly revocations: Revocations;
  /** How long the longest token lives. */
  readonly tokenTtlMaxMs: number;
  /** Checks what clients show as their token; undefined where none is accepted. */
  readonly tokens: TokenVerifier | undefined;
  /** What tokens are signed with, where it is known. */
  readonly tokenSecret: string | undefined;
  readonly tellNodes: TellNodes;
  readonly clock: Clock;
  readonly peers: Peers;
  readonly rules: Rules;
  readonly keys: AdminKeys;
  readonly metrics: Metrics;
  readonly publish: Publisher;
  readonly publishAll: AtomicPublisher;
  readonly schedule: Schedule;
  /** Tells who publishes what is scheduled when something was added. */
  readonly expectScheduled: (inMs: number) => void;
  readonly logError: (error: FanfareError, requestId: string, route: string | undefined) => void;
  /** Aborted when the server begins to close: streams end at the next line. */
  readonly closing: AbortSignal;
}

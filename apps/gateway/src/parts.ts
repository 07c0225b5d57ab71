import type { Authorizer, Rules, TokenVerifier } from "@fanfare/access";
import type { Settings } from "@fanfare/config";
import type { Broker, Clock, Directory, LifecycleLog, Receipts, Registry } from "@fanfare/domain";
import type { Fanout } from "@fanfare/fanout";
import type { Log, Metrics } from "@fanfare/telemetry";
import type { Limits } from "./limits.ts";
import type { HealthMeter } from "./node-health.ts";
import type { PresenceTracker } from "./presence.ts";
import type { Recovery } from "./recovery.ts";
import type { RevocationWatch } from "./revocation-watch.ts";
import type { Shed } from "./shed.ts";

/** What the gateway is put together from; main.ts picks the implementations. */
export interface GatewayParts {
  readonly node: string;
  readonly version: string;
  readonly settings: Pick<
    Settings,
    | "host"
    | "port"
    | "peerPort"
    | "peerUrl"
    | "origins"
    | "pingIntervalMs"
    | "pingTimeoutMs"
    | "drainMs"
    | "drainStatus"
    | "clusterSecret"
    | "forward"
    | "acceptPerSecond"
    | "compression"
    | "rebalance"
    | "rebalancePerSecond"
    | "rebalanceFloor"
    | "trustedProxies"
    | "tlsCert"
    | "events"
    | "tlsKey"
  >;
  readonly broker: Broker;
  readonly directory: Directory;
  readonly registry: Registry;
  /** Undefined in tests of what lies beneath: then nobody is told what happens. */
  readonly lifecycle?: LifecycleLog;
  /** Undefined in tests of what lies beneath: then nobody is told who got what. */
  readonly receipts?: Receipts;
  readonly fanout: Fanout;
  /** Undefined with FANFARE_RECOVERY=off. */
  readonly recovery: Recovery | undefined;
  /** Undefined where nobody asks who is here. */
  readonly presence: PresenceTracker | undefined;
  readonly rules: Rules;
  /** Undefined in tests of what lies beneath: then nothing is limited. */
  readonly limits: Limits | undefined;
  /** Undefined when no key was given: then no token is accepted. */
  readonly tokens: TokenVerifier | undefined;
  /** Undefined when no application is to be asked. */
  readonly authorizer: Authorizer | undefined;
  /** Undefined in tests of what lies beneath: then no token is revoked. */
  readonly revocations: RevocationWatch | undefined;
  /** Undefined in tests of what lies beneath: then nothing is said of how the node does. */
  readonly health?: HealthMeter;
  /** Undefined in tests of what lies beneath: then no amount of anything is too much. */
  readonly shed?: Shed;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

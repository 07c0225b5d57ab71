import { createTokenVerifier, parseAdminKeys, parseRules, trustedProxies } from "@fanfare/access";
import { type Backend, openBackend } from "@fanfare/broker";
import { type Broker, type Clock, systemClock } from "@fanfare/domain";
import { createLog, createMetrics, type Metrics } from "@fanfare/telemetry";
import type { FastifyInstance } from "fastify";
import type { AuditLevel } from "../audit.ts";
import { createAdmin } from "../server.ts";
import { createTellNodes } from "../tell-nodes.ts";

export interface TestAdmin {
  readonly app: FastifyInstance;
  readonly backend: Backend;
  readonly metrics: Metrics;
  /** A key for everything. */
  readonly key: string;
  close(): Promise<void>;
}

export interface TestAdminOptions {
  /** Lines of FANFARE_ADMIN_KEYS. */
  readonly keys?: readonly string[];
  /** Absent: in memory. */
  readonly redisUrl?: string;
  readonly cluster?: string;
  readonly console?: string;
  readonly url?: string;
  readonly clusterSecret?: string;
  readonly tokenSecret?: string;
  readonly controlUrl?: string;
  /** Absent: as many wrong keys as a test likes. */
  readonly wrongKeysPerMinute?: number;
  readonly publishesPerKey?: number;
  /** Absent: as many receipts as a test likes. */
  readonly receiptsPerSecond?: number;
  readonly audit?: AuditLevel;
  readonly trustedProxies?: readonly string[];
  readonly clock?: Clock;
  /** Where log lines go; absent: nowhere. */
  readonly logLines?: string[];
  /** What the routes are given instead of the backend's broker, for example the same behind a gate. */
  readonly broker?: (broker: Broker) => Broker;
}

const secret = "a-secret";

/** The admin API on a backend of its own. */
export async function testAdmin(options: TestAdminOptions = {}): Promise<TestAdmin> {
  const { logLines } = options;
  const log = createLog({
    name: "admin",
    level: logLines === undefined ? "silent" : "info",
    pretty: false,
    destination: { write: (line) => void logLines?.push(line) },
  });
  const metrics = createMetrics({ app: "admin" });
  const backend = openBackend({ redisUrl: options.redisUrl, cluster: options.cluster ?? "test", log });
  const app = await createAdmin({
    broker: options.broker?.(backend.broker) ?? backend.broker,
    directory: backend.directory,
    registry: backend.registry,
    presence: backend.presence,
    lifecycle: backend.lifecycle,
    deliveries: backend.deliveries,
    receipts: backend.receipts,
    revocations: backend.revocations,
    schedule: backend.schedule,
    expectScheduled: () => undefined,
    tokenTtlMaxMs: 3_600_000,
    tellNodes: createTellNodes(backend.directory, backend.pubSub, options.cluster ?? "test"),
    rules: parseRules({
      namespaces: {
        fleeting: { retain: { count: 0 } },
        short: { retain: { count: 5 } },
        crowd: { presence: "anyone" },
        traced: { trace: true },
      },
    }),
    keys: parseAdminKeys(options.keys ?? [`test:${secret}`]),
    log,
    metrics,
    console: options.console,
    url: options.url,
    tokens: createTokenVerifier({ secret: options.tokenSecret }),
    tokenSecret: options.tokenSecret,
    controlUrl: options.controlUrl,
    clusterSecret: options.clusterSecret,
    wrongKeysPerMinute: options.wrongKeysPerMinute ?? Number.MAX_SAFE_INTEGER,
    publishesPerKey: options.publishesPerKey ?? 0,
    receiptsPerSecond: options.receiptsPerSecond ?? 1_000,
    audit: options.audit ?? "all",
    trustedProxies: trustedProxies(options.trustedProxies ?? []),
    clock: options.clock ?? systemClock,
    version: "0.0.0-test",
  });
  return {
    app,
    backend,
    metrics,
    key: secret,
    async close() {
      await app.close();
      await backend.close();
    },
  };
}

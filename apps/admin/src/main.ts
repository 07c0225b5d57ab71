import { randomBytes } from "node:crypto";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import {
  type AdminKeys,
  createTokenVerifier,
  createWebhook,
  isLoopback,
  openRulesFile,
  parseAdminKeys,
  type SendWebhook,
  tokenKeysOf,
  trustedProxies,
} from "@fanfare/access";
import { type Backend, fireScheduled, openBackend, reportPublications } from "@fanfare/broker";
import type { Settings } from "@fanfare/config";
import { FanfareError, systemClock } from "@fanfare/domain";
import { closeInTime, createLog, createMetrics, type Log, type LogLevel, type Metrics, Rate } from "@fanfare/telemetry";
import type { FastifyInstance } from "fastify";
import { consoleDirectory } from "./console-directory.ts";
import { createAdmin } from "./server.ts";
import { createTellNodes } from "./tell-nodes.ts";
import { WebhookPusher } from "./webhook-pusher.ts";

/** What another app of the same process has already opened. It stays the other app's to close. */
export interface AdminShared {
  readonly backend?: Backend;
  readonly metrics?: Metrics;
  /** The other app says when the process is ready, and handles its signals. */
  readonly embedded?: boolean;
}

export interface RunningAdmin {
  readonly port: number;
  /** Finishes what has begun, within the setting drainMs. Idempotent. */
  close(): Promise<void>;
}

/** What is cut off at the end has not been answered: then the rest of the time is for closing. */
const finishShare = 0.85;

/** Runs the admin API. Rejects with `SETTINGS_INVALID` or `RULES_INVALID`. Redis may be away: it heals by itself. */
export async function main(settings: Settings, shared: AdminShared = {}): Promise<RunningAdmin> {
  const log = createLog({ name: "admin", level: settings.logLevel as LogLevel });
  const metrics = shared.metrics ?? createMetrics({ app: "admin" });
  const rulesFile = await openRulesFile({
    path: settings.rules,
    clock: systemClock,
    log,
    reloaded: (outcome) => metrics.rulesReloads.inc({ outcome }),
  });
  const keys = parseAdminKeys(settings.adminKeys);
  const { redisUrl, cluster, adminHost: host } = settings;
  if (keys.size === 0) requireLoopback(host);
  if (keys.size === 0) log.warn({ setting: "FANFARE_ADMIN_KEYS" }, "no admin key is set: every request is refused");
  for (const name of expired(keys, systemClock.now())) log.warn({ key: name }, "an admin key has expired");

  const send = webhookOf(settings);
  const backend = shared.backend ?? openBackend({ redisUrl, cluster, log });
  const firing = fireScheduled({
    schedule: backend.schedule,
    broker: backend.broker,
    rules: (channel) => rulesFile.rules.of(channel),
    clock: systemClock,
    fired: (outcome) => metrics.publications.inc({ source: "schedule", outcome }),
    log,
    overdueMs: 0,
  });
  const app = await createAdmin({
    broker: backend.broker,
    directory: backend.directory,
    registry: backend.registry,
    presence: backend.presence,
    lifecycle: backend.lifecycle,
    deliveries: backend.deliveries,
    receipts: backend.receipts,
    revocations: backend.revocations,
    schedule: backend.schedule,
    expectScheduled: firing.expect,
    tokenTtlMaxMs: settings.tokenTtlMaxMs,
    tellNodes: createTellNodes(backend.directory, backend.pubSub, cluster),
    rules: rulesFile.rules,
    keys,
    log,
    metrics,
    console: consoleDirectory(),
    url: settings.url,
    tokens: createTokenVerifier(tokenKeysOf(settings)),
    tokenSecret: settings.tokenSecret,
    controlUrl: settings.controlUrl,
    clusterSecret: settings.clusterSecret,
    audit: settings.audit,
    trustedProxies: trustedProxies(settings.trustedProxies),
    publishesPerKey: settings.publishesPerKey,
    receiptsPerSecond: settings.receiptsPerSecond,
    version: ownVersion(),
  });

  const published = new Rate(metrics.publications, { outcome: "stored" }, () => systemClock.monotonic());
  const stopReporting = reportPublications({
    registry: backend.registry,
    process: `admin-${randomBytes(3).toString("hex")}`,
    perSecond: () => published.perSecond(),
    clock: systemClock,
  });
  const webhooks = send === undefined ? undefined : startWebhooks(send, settings, backend, log, metrics);
  let closed: Promise<void> | undefined;
  const close = () => {
    stopReporting();
    firing.stop();
    rulesFile.stop();
    closed ??= Promise.all([closeAll(app, settings.drainMs), webhooks?.stop()]).then(() =>
      shared.backend === undefined ? backend.close() : undefined,
    );
    return closed;
  };

  try {
    await listen(app, host, settings.adminPort);
  } catch (error) {
    await close();
    throw error;
  }
  if (settings.rules !== undefined) process.on("SIGHUP", () => void rulesFile.reload());
  const { port } = app.server.address() as AddressInfo;
  if (shared.embedded !== true) {
    endOnSignals(close, log, settings.drainMs);
    log.info({ port, host, broker: backend.kind }, "ready");
  }
  return { port, close };
}

/**
 * Whoever widens the address and forgets the keys finds an API that answers 401 to everything, and on a shared network one
 * mistake away from answering everybody. So it does not start.
 */
function requireLoopback(host: string): void {
  if (host === "localhost" || isLoopback(host)) return;
  const message = `is ${host}, which others can reach, and FANFARE_ADMIN_KEYS is empty: make a key with fanfare key`;
  throw new FanfareError("SETTINGS_INVALID", { errors: [{ path: "FANFARE_ADMIN_HOST", message }] });
}

function expired({ list }: AdminKeys, nowMs: number): string[] {
  return list.filter(({ expiresAt = Number.POSITIVE_INFINITY }) => expiresAt <= nowMs).map(({ name }) => name);
}

/** Undefined when the application does not want to be told. Throws `SETTINGS_INVALID`. */
function webhookOf({ webhookUrl: url, webhookSecret: secret }: Settings): SendWebhook | undefined {
  return url === undefined || secret === undefined ? undefined : createWebhook({ url, secret });
}

function startWebhooks(send: SendWebhook, settings: Settings, backend: Backend, log: Log, metrics: Metrics): WebhookPusher {
  const { webhookEvents, webhookTries: tries } = settings;
  return new WebhookPusher({
    lifecycle: backend.lifecycle,
    deliveries: backend.deliveries,
    send,
    types: webhookEvents.length === 0 ? undefined : new Set(webhookEvents),
    tries,
    clock: systemClock,
    log,
    metrics,
  });
}

async function listen(app: FastifyInstance, host: string, port: number): Promise<void> {
  try {
    // Always an explicit host: for "localhost" Fastify would open a second server. The backlog is for reconnect storms.
    await app.listen({ host, port, backlog: 4_096 });
  } catch (cause) {
    const { code } = cause as { code?: string };
    const taken = { EADDRINUSE: "is taken by another process", EACCES: "needs privileges", EADDRNOTAVAIL: "is not here" };
    if (code === undefined || !Object.hasOwn(taken, code)) throw cause;
    const message = `${host}:${port} ${taken[code as keyof typeof taken]}`;
    throw new FanfareError("SETTINGS_INVALID", { cause, errors: [{ path: "FANFARE_ADMIN_PORT", message }] });
  }
}

/** Lets requests finish, for most of the time that there is; whoever has not by then is cut off. */
async function closeAll(app: FastifyInstance, drainMs: number): Promise<void> {
  const timer = setTimeout(() => app.server.closeAllConnections(), drainMs * finishShare);
  await app.close().finally(() => clearTimeout(timer));
}

/** The first signal closes and ends the process within `drainMs`, whatever happens; a second one ends it at once. */
function endOnSignals(close: () => Promise<void>, log: Log, drainMs: number): void {
  let ending = false;
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (ending) process.exit(1);
    ending = true;
    log.info({ signal }, "stopping");
    process.exit(await closeInTime({ close, drainMs, log }));
  };
  process.on("SIGTERM", end);
  process.on("SIGINT", end);
}

function ownVersion(): string {
  const { version } = createRequire(import.meta.url)("../package.json") as { version: string };
  return version;
}

import { randomBytes } from "node:crypto";
import { createRequire } from "node:module";
import { hostname } from "node:os";
import { createTokenVerifier, openRulesFile, tokenKeysOf, trustedProxies } from "@fanfare/access";
import { type Backend, fireScheduled, openBackend } from "@fanfare/broker";
import type { Settings } from "@fanfare/config";
import { systemClock } from "@fanfare/domain";
import { Fanout } from "@fanfare/fanout";
import { closeInTime, createLog, createMetrics } from "@fanfare/telemetry";
import { openAuthorizer } from "./authorizer.ts";
import { passOn } from "./emitters.ts";
import { type Gateway, startGateway } from "./gateway.ts";
import { Limits } from "./limits.ts";
import type { Enter } from "./listen.ts";
import { HealthMeter } from "./node-health.ts";
import { observeFanout } from "./observe.ts";
import type { GatewayParts } from "./parts.ts";
import { PresenceTracker } from "./presence.ts";
import { Recovery } from "./recovery.ts";
import { compareWhenTold, RevocationWatch } from "./revocation-watch.ts";
import { Shed, shedLimits } from "./shed.ts";
import { VitalSignsReader } from "./vital-signs.ts";

/** What another app brings along that runs the gateway inside its own process. It then owns signals and the ready line. */
export interface Embedding {
  readonly backend: Backend;
  readonly embedded: true;
  /** Where clients' connections come from, when it is not a port of this process. */
  readonly enter?: Enter;
}

/** The only place of this app that reads settings, picks implementations and ends the process. */
export async function main(settings: Settings, embedding?: Embedding): Promise<Gateway> {
  const node =
    settings.node ??
    `${hostname()
      .replace(/[^A-Za-z0-9-]/g, "-")
      .slice(0, 40)}-${randomBytes(3).toString("hex")}`;
  const log = createLog({ name: "gateway", level: settings.logLevel, node });
  const metrics = createMetrics({ app: "gateway", node });
  const rulesFile = await openRulesFile({
    path: settings.rules,
    clock: systemClock,
    log,
    reloaded: (outcome) => metrics.rulesReloads.inc({ outcome }),
  });
  const { rules } = rulesFile;
  const backend = embedding?.backend ?? openBackend({ redisUrl: settings.redisUrl, cluster: settings.cluster, log });
  const { broker, pubSub, directory, sessions, revocations, registry, presence } = backend;
  const vitalSigns = new VitalSignsReader();
  const shed = new Shed({ limits: shedLimits(settings), take: () => vitalSigns.take(), clock: systemClock, log, metrics });
  const health = new HealthMeter(() => systemClock.now());
  const fanout = new Fanout({
    broker,
    pubSub,
    cluster: settings.cluster,
    node,
    bookmarks: settings.recovery === "on",
    clock: systemClock,
    retention: (channel) => rules.of(channel).retain,
    slow: (channel) => rules.of(channel).slow,
    bufferBytesMax: settings.bufferBytesMax,
    flushMsMax: settings.flushMsMax,
    observer: observeFanout(metrics, health),
  });
  const revocationWatch = new RevocationWatch({ revocations, clock: systemClock, log });
  rules.onChange(() => fanout.retentionChanged());
  fanout.onNodeMessage((message) => compareWhenTold(message, revocationWatch));
  const recovery = settings.recovery === "on" ? new Recovery({ sessions, fanout, node, clock: systemClock, log }) : undefined;
  const parts: GatewayParts = {
    node,
    version: version(),
    settings,
    broker,
    directory,
    registry,
    lifecycle: backend.lifecycle,
    receipts: backend.receipts,
    fanout,
    limits: new Limits({
      settings,
      trusted: trustedProxies(settings.trustedProxies),
      quotas: backend.quotas,
      node,
      clock: systemClock,
      log,
    }),
    recovery,
    presence: new PresenceTracker({
      presence,
      fanout,
      rules,
      turnOf: (socket) => recovery?.turnOf(socket) ?? 1,
      node,
      cluster: settings.cluster,
      graceMs: recovery === undefined ? 0 : settings.presenceGraceMs,
      membersMax: settings.presenceMembersMax,
      clock: systemClock,
      log,
      metrics,
    }),
    rules,
    tokens: createTokenVerifier(tokenKeysOf(settings)),
    authorizer: openAuthorizer(settings, log, metrics),
    revocations: revocationWatch,
    health,
    shed,
    clock: systemClock,
    log,
    metrics,
  };
  // Otherwise a worker stores what they send, and it comes as publications do.
  if (settings.emitterLog === "off") backend.listen(`${settings.emitterKey}#/#*`, (message) => passOn(message, fanout, metrics));
  // The admin API's task. A node sees to it when no admin API does.
  const firing = fireScheduled({
    schedule: backend.schedule,
    broker,
    rules: (channel) => rules.of(channel),
    clock: systemClock,
    fired: (outcome) => metrics.publications.inc({ source: "schedule", outcome }),
    log,
    overdueMs: 2_000,
  });
  const gateway = await startGateway(parts, {
    enter: embedding?.enter,
    // As a supervisor would ask for it, so that there is one way to end.
    onDrain: () => process.kill(process.pid, "SIGTERM"),
  });
  if (settings.rules !== undefined) process.on("SIGHUP", () => void rulesFile.reload());
  const close = (): Promise<void> => {
    rulesFile.stop();
    firing.stop();
    health.stop();
    shed.stop();
    vitalSigns.stop();
    return gateway.close();
  };
  if (embedding !== undefined) return { ...gateway, close };

  const { port, peerPort, sidPrefix } = gateway;
  let stopping = false;
  const stop = async (signal: NodeJS.Signals): Promise<void> => {
    // Whoever asks twice does not want to wait.
    if (stopping) process.exit(1);
    stopping = true;
    log.info({ signal }, "stopping");
    // Clients first, the backend last: what a leaving client says still arrives.
    const closeAll = () => close().then(() => backend.close());
    process.exit(await closeInTime({ close: closeAll, drainMs: settings.drainMs, log }));
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  // Last: whoever waits for this line may send a signal at once.
  log.info({ port, peerPort, sidPrefix }, "ready");
  return gateway;
}

function version(): string {
  return (createRequire(import.meta.url)("../package.json") as { version: string }).version;
}

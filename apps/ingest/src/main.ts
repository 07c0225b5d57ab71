import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { openRulesFile } from "@fanfare/access";
import { type Backend, openBackend, reportPublications } from "@fanfare/broker";
import type { Settings } from "@fanfare/config";
import { FanfareError, type Registry, systemClock } from "@fanfare/domain";
import type { SourceName } from "@fanfare/ingest";
import { closeInTime, createLog, createMetrics, type Log, type Metrics, Rate } from "@fanfare/telemetry";
import { withDefaultBind } from "./default-bind.ts";
import { type Health, startHealth } from "./health.ts";
import { type Ingest, startIngest } from "./ingest.ts";

/** What another app brings along that runs the sources inside its own process. It then owns signals and the ready line. */
export interface Embedding {
  readonly backend: Backend;
  readonly metrics?: Metrics;
  readonly embedded: true;
}

export interface RunningIngest {
  readonly sources: readonly SourceName[];
  /** Of /healthz, /readyz and /metrics; undefined when another app serves them. */
  readonly port: number | undefined;
  close(): Promise<void>;
}

/** The only place of this app that reads settings, picks implementations and ends the process. */
export async function main(settings: Settings, embedding?: Embedding): Promise<RunningIngest> {
  const worker = settings.node ?? `${hostname()}-${randomBytes(4).toString("hex")}`;
  const log = createLog({ name: "ingest", level: settings.logLevel, node: worker });
  const metrics = embedding?.metrics ?? createMetrics({ app: "ingest", node: worker });
  const rulesFile = await openRulesFile({
    path: settings.rules,
    clock: systemClock,
    log,
    reloaded: (outcome) => metrics.rulesReloads.inc({ outcome }),
  });
  if (settings.rules !== undefined) process.on("SIGHUP", () => void rulesFile.reload());
  const parts = { worker, rules: rulesFile.rules, log };
  if (embedding !== undefined) {
    const { broker, registry } = embedding.backend;
    const ingest = await startIngest({ ...parts, settings, broker, metrics });
    const stopReporting = report(worker, registry, metrics);
    const close = (): Promise<void> => {
      rulesFile.stop();
      stopReporting();
      return ingest.close();
    };
    return { sources: ingest.sources, port: undefined, close };
  }

  const { redisUrl, cluster, host } = settings;
  if (redisUrl === undefined) {
    const message = "is missing: a worker alone has nobody to publish to without a Redis that it shares with nodes";
    throw new FanfareError("SETTINGS_INVALID", { errors: [{ path: "FANFARE_REDIS_URL", message }] });
  }
  const complete = await withDefaultBind(settings);
  const backend = openBackend({ redisUrl, cluster, log });
  let closing = false;
  let health: Health | undefined;
  let ingest: Ingest | undefined;
  const stopReporting = report(worker, backend.registry, metrics);
  const close = async (): Promise<void> => {
    closing = true;
    rulesFile.stop();
    stopReporting();
    await ingest?.close();
    await health?.close();
    await backend.close();
  };
  try {
    const { broker } = backend;
    health = await startHealth({ host, port: settings.ingestPort, broker, metrics, closing: () => closing });
    ingest = await startIngest({ ...parts, settings: complete, broker, metrics });
  } catch (error) {
    await close();
    throw error;
  }
  endOnSignals(close, log, settings.drainMs);
  const { port } = health;
  const { sources } = ingest;
  log.info({ port, sources }, "ready");
  return { sources, port, close };
}

/** Says how much is taken in, under a name that no node has. The returned function ends it. */
function report(worker: string, registry: Registry, { ingestPublished }: Metrics): () => void {
  const published = new Rate(ingestPublished, {}, () => systemClock.monotonic());
  return reportPublications({
    registry,
    process: `ingest-${worker}`,
    perSecond: () => published.perSecond(),
    clock: systemClock,
  });
}

/** The first signal stores what was taken in and ends the process within `drainMs`; a second one ends it at once. */
function endOnSignals(close: () => Promise<void>, log: Log, drainMs: number): void {
  let ending = false;
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (ending) process.exit(1);
    ending = true;
    log.info({ signal }, "stopping");
    // A source may wait for ever for the goodbye of a place that is frozen.
    process.exit(await closeInTime({ close, drainMs, log }));
  };
  process.on("SIGTERM", end);
  process.on("SIGINT", end);
}

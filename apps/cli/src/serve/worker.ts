import { loadSettings, type Settings } from "@fanfare/config";
import type { Embedding } from "@fanfare/gateway";
import { closeInTime, createLog } from "@fanfare/telemetry";
import { exitCodeOf, failureText } from "../failure.ts";
import { handedOver, tell } from "./handed-over.ts";
import type { WorkerReady } from "./wire.ts";

/*
 * One process of `fanfare serve --workers`, started by supervisor.ts. Its settings come complete in the environment, its
 * role as its argument.
 */

interface Serving {
  readonly ready: WorkerReady;
  close(): Promise<unknown>;
}

try {
  const settings = loadSettings({ env: process.env });
  const { openBackend } = await import("@fanfare/broker");
  const log = createLog({ name: "serve", level: settings.logLevel });
  const backend = openBackend({ redisUrl: settings.redisUrl, cluster: settings.cluster, log });
  const serve = process.argv[2] === "api" ? serveApi : serveNode;
  const serving = await serve(settings, { backend, embedded: true });
  // A Ctrl-C in the terminal reaches every process of the group; only the supervisor says when it is time.
  for (const signal of ["SIGINT", "SIGHUP"] as const) process.on(signal, () => undefined);
  let stopping = false;
  process.on("SIGTERM", async () => {
    // Some send it to every process of a group (systemd, timeout), and the supervisor passes it on as well: that is one wish.
    // Who wants it at once ends the supervisor.
    if (stopping) return;
    stopping = true;
    // By itself in time, too: a node that an operator drains ends without its supervisor having told it to.
    const close = () => serving.close().then(() => backend.close());
    process.exit(await closeInTime({ close, drainMs: settings.drainMs, log }));
  });
  tell({ kind: "ready", ready: serving.ready });
} catch (error) {
  process.stderr.write(failureText(error));
  process.exit(exitCodeOf(error));
}
// Without its supervisor nobody would end it.
process.once("disconnect", () => process.exit(1));

async function serveNode(settings: Settings, shared: Embedding): Promise<Serving> {
  const { main } = await import("@fanfare/gateway");
  const gateway = await main(settings, { ...shared, enter: handedOver(settings.port) });
  const { node, peerPort, sidPrefix } = gateway;
  return { ready: { role: "node", node, pid: process.pid, peerPort, sidPrefix }, close: () => gateway.close() };
}

async function serveApi(settings: Settings, shared: Embedding): Promise<Serving> {
  const [admin, ingest] = await Promise.all([import("@fanfare/admin"), import("@fanfare/ingest-worker")]);
  const api = await admin.main(settings, shared);
  const running = await ingest.main(settings, shared);
  return {
    ready: { role: "api", adminPort: api.port, sources: running.sources },
    close: () => Promise.all([running.close(), api.close()]),
  };
}

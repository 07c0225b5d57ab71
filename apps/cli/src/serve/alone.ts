import { randomBytes } from "node:crypto";
import type { Settings } from "@fanfare/config";
import { closeInTime, createLog } from "@fanfare/telemetry";
import { hangup, onStop } from "../stop.ts";

/** A node, the admin API and the sources of ingestion, all in this process. Resolves when they serve. */
export async function serveAlone(given: Settings): Promise<void> {
  // Alone in memory there is no other node to share a secret with, but the admin API has orders for this one.
  const clusterSecret = given.clusterSecret ?? (given.redisUrl === undefined ? randomBytes(24).toString("base64url") : undefined);
  const settings = clusterSecret === undefined ? given : { ...given, clusterSecret };
  const [{ openBackend }, gateway, admin, ingest] = await Promise.all([
    import("@fanfare/broker"),
    import("@fanfare/gateway"),
    import("@fanfare/admin"),
    import("@fanfare/ingest-worker"),
  ]);
  const log = createLog({ name: "serve", level: settings.logLevel });
  // One backend for both: in memory there is nothing else that they could meet in.
  const backend = openBackend({ redisUrl: settings.redisUrl, cluster: settings.cluster, log });
  const shared = { backend, embedded: true } as const;
  const node = await gateway.main(settings, shared);
  const api = await admin.main(settings, shared);
  // Last, so that the first message finds a node that delivers it.
  const sources = await ingest.main(settings, shared);
  const close = async (): Promise<void> => {
    // Side by side: each may take all the time that a drain has.
    await Promise.all([sources.close(), api.close(), node.close()]);
    await backend.close();
  };
  onStop(async () => process.exit(await closeInTime({ close, drainMs: settings.drainMs, log })), { alsoBy: hangup(settings) });
  const { port, peerPort, sidPrefix } = node;
  log.info(
    { node: node.node, port, peerPort, adminPort: api.port, sidPrefix, broker: backend.kind, sources: sources.sources },
    "ready",
  );
}

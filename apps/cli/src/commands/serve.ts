import { createLog } from "@fanfare/telemetry";
import { Command } from "commander";
import { settingsFrom, withSettings } from "../settings.ts";
import { onStop } from "../stop.ts";

export function serveCommand(): Command {
  const command = new Command("serve").description("run a node and the admin API in one process");
  return withSettings(command, "serve").action(async () => {
    const settings = settingsFrom(command);
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
    onStop(async () => {
      await sources.close();
      await api.close();
      await node.close();
      await backend.close();
    });
    const { port, peerPort, sidPrefix } = node;
    log.info(
      { node: node.node, port, peerPort, adminPort: api.port, sidPrefix, broker: backend.kind, sources: sources.sources },
      "ready",
    );
  });
}

import { createLog } from "@fanfare/telemetry";
import { Command } from "commander";
import { settingsFrom, withSettings } from "../settings.ts";
import { onStop } from "../stop.ts";

export function serveCommand(): Command {
  const command = new Command("serve").description("run a node and the admin API in one process");
  return withSettings(command, "serve").action(async () => {
    const settings = settingsFrom(command);
    const [{ openBackend }, gateway, admin] = await Promise.all([
      import("@fanfare/broker"),
      import("@fanfare/gateway"),
      import("@fanfare/admin"),
    ]);
    const log = createLog({ name: "serve", level: settings.logLevel });
    // One backend for both: in memory there is nothing else that they could meet in.
    const backend = openBackend({ redisUrl: settings.redisUrl, cluster: settings.cluster, log });
    const shared = { backend, embedded: true } as const;
    const node = await gateway.main(settings, shared);
    const api = await admin.main(settings, shared);
    onStop(async () => {
      await api.close();
      await node.close();
      await backend.close();
    });
    const { port, peerPort, sidPrefix } = node;
    log.info({ node: node.node, port, peerPort, adminPort: api.port, sidPrefix, broker: backend.kind }, "ready");
  });
}

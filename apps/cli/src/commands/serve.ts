import { Command } from "commander";
import { settingsFrom, withSettings } from "../settings.ts";

export function serveCommand(): Command {
  const command = new Command("serve").description("run a node and the admin API on one machine, in one process or in several");
  return withSettings(command, "serve").action(async () => {
    const settings = settingsFrom(command);
    if (settings.workers === 1) {
      const { serveAlone } = await import("../serve/alone.ts");
      await serveAlone(settings);
    } else {
      const { serveWithWorkers } = await import("../serve/supervisor.ts");
      await serveWithWorkers(settings);
    }
  });
}

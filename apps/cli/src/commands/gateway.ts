import { Command } from "commander";
import { settingsFrom, withSettings } from "../settings.ts";

export function gatewayCommand(): Command {
  const command = new Command("gateway").description("run one Socket.IO node");
  return withSettings(command, "gateway").action(async () => {
    const settings = settingsFrom(command);
    // Loaded only here: a command that publishes one message has no use for a server's code.
    const { main } = await import("@fanfare/gateway");
    await main(settings);
  });
}

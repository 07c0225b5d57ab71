import { Command } from "commander";
import { settingsFrom, withSettings } from "../settings.ts";

export function adminCommand(): Command {
  const command = new Command("admin").description("run one admin API, with the console");
  return withSettings(command, "admin").action(async () => {
    const settings = settingsFrom(command);
    const { main } = await import("@fanfare/admin");
    await main(settings);
  });
}

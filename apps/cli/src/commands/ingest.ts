import { Command } from "commander";
import { settingsFrom, withSettings } from "../settings.ts";

export function ingestCommand(): Command {
  const command = new Command("ingest").description("run one ingestion worker: ZeroMQ, AMQP, Redis streams, Redis PUBLISH");
  return withSettings(command, "ingest").action(async () => {
    const settings = settingsFrom(command);
    const { main } = await import("@fanfare/ingest-worker");
    await main(settings);
  });
}

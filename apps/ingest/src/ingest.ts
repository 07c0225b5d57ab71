import type { Rules } from "@fanfare/access";
import type { Settings } from "@fanfare/config";
import { type Broker, channelName, systemClock } from "@fanfare/domain";
import { Pump, type SourceName } from "@fanfare/ingest";
import type { Log, Metrics } from "@fanfare/telemetry";
import { createSources } from "./sources.ts";

/** What is held is stored in this share of the time to end; the rest is for letting go of the sources. */
const storeShare = 0.85;

export interface IngestParts {
  readonly settings: Settings;
  readonly worker: string;
  readonly broker: Broker;
  readonly rules: Rules;
  readonly metrics: Metrics;
  readonly log: Log;
}

export interface Ingest {
  readonly sources: readonly SourceName[];
  /** Stores what was taken in, acknowledges it and lets the sources go, within the setting drainMs. */
  close(): Promise<void>;
}

/** Starts every source that the settings name. Rejects, with all of them ended again, when one never can start. */
export async function startIngest({ settings, worker, broker, rules, metrics, log }: IngestParts): Promise<Ingest> {
  const clock = systemClock;
  const newestId = async (name: string): Promise<string | undefined> => {
    const channel = channelName(name);
    const { publications } = await broker.read(channel, { from: "end", limit: 1 }, rules.of(channel).retain);
    return publications[0]?.id;
  };
  const sources = createSources({ settings, worker, metrics, log, clock, newestId });
  const pumps = sources.map((source) => new Pump({ source, broker, rules: (channel) => rules.of(channel), metrics, log, clock }));
  const drain = async (ms: number): Promise<void> => {
    await Promise.all(pumps.map((pump) => pump.drain(ms)));
  };
  const started = await Promise.allSettled(pumps.map((pump) => pump.start()));
  const failed = started.find((outcome) => outcome.status === "rejected");
  if (failed !== undefined) {
    await drain(0);
    throw failed.reason;
  }
  let closed: Promise<void> | undefined;
  return {
    sources: sources.map(({ name }) => name),
    close() {
      closed ??= drain(settings.drainMs * storeShare);
      return closed;
    },
  };
}

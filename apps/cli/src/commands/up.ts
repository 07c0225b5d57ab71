import { Command, InvalidArgumentError, Option } from "commander";
import { settingsFrom, withSettings } from "../settings.ts";
import { onStop } from "../stop.ts";
import { Cluster } from "../up/cluster.ts";

interface UpFlags {
  readonly nodes: number;
  readonly producer: "sine" | "none";
  readonly verbose?: boolean;
}

const nodesMax = 32;

export function upCommand(): Command {
  const command = new Command("up")
    .description("run a cluster on this machine: Redis, nodes, a balancer, admin and console, a live producer")
    .option("--nodes <n>", "how many nodes", nodeCount, 2)
    .addOption(new Option("--producer <kind>", "what publishes to demo:sine").choices(["sine", "none"]).default("sine"))
    .option("--verbose", "show all that the processes log, not only warnings and errors");
  return withSettings(command, "up").action(async ({ nodes, producer, verbose = false }: UpFlags) => {
    const cluster = new Cluster({ settings: settingsFrom(command), nodes, producer: producer === "sine", verbose });
    onStop(() => cluster.stop());
    await cluster.start();
  });
}

function nodeCount(text: string): number {
  if (/^[1-9][0-9]?$/.test(text) && Number(text) <= nodesMax) return Number(text);
  throw new InvalidArgumentError(`Give a whole number from 1 to ${nodesMax}.`);
}

import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { type BenchRedis, runBench, scenarios } from "@fanfare/bench";
import { wrapped } from "@fanfare/config";
import { FanfareError } from "@fanfare/domain";
import { endWithUs, findRedisServer, type RedisServerBinary, startRedisServer } from "@fanfare/redis-server";
import { Argument, Command, InvalidArgumentError } from "commander";
import { Failure } from "../failure.ts";
import { onStop } from "../stop.ts";

const columns = 80;

interface BenchFlags {
  readonly repetitions: number;
  readonly connections: number;
  readonly channels: number;
  readonly subscribers: number;
  readonly quick?: boolean;
  readonly json?: boolean;
  readonly out?: string;
}

/** No scenario begins another repetition later than this; what runs then, it finishes. */
const budgetMs = 150_000;
/** With `--quick`, of whatever was not given: to see that everything works, not to measure. */
const quick = { repetitions: 1, connections: 500, channels: 5_000, subscribers: 200 };

export function benchCommand(): Command {
  const list = Object.entries(scenarios).map(([name, { about }]) => {
    return `  ${name.padEnd(9)} ${wrapped(about, columns - 12).join(`\n${" ".repeat(12)}`)}`;
  });
  return new Command("bench")
    .description("measure this machine: Fanfare beside stock Socket.IO, in turns, on this machine's loopback")
    .addArgument(
      new Argument("[scenario]", "one of them; all but chart and capacity when it is left out").choices(Object.keys(scenarios)),
    )
    .option("--repetitions <n>", "runs of each contestant", from(1, 50), 5)
    .option("--connections <n>", "connections of idle", from(100, 100_000), 10_000)
    .option("--channels <n>", "channels of channels", from(1_000, 1_000_000), 100_000)
    .option("--subscribers <n>", "subscribers of each contestant", from(10, 10_000), 1_000)
    .option("--quick", "one run of everything, and small: a smoke test")
    .option("--out <file>", "also write it to a file: the chart as SVG, capacity as JSON, everything else as a page in Markdown")
    .option("--json", "print one JSON document with the values of all runs")
    .addHelpText("after", `\nScenarios:\n${list.join("\n")}\n\nWhat is measured and what is not: packages/bench/METHOD.md`)
    .action(bench);
}

async function bench(scenario: string | undefined, flags: BenchFlags, command: Command): Promise<void> {
  const { json = false, quick: small = false, out, ...given } = flags;
  const counts = small
    ? {
        ...given,
        ...Object.fromEntries(Object.entries(quick).filter(([name]) => command.getOptionValueSource(name) === "default")),
      }
    : given;
  // Before anything is measured: minutes later would be a bad time to hear that there is no such folder.
  if (out !== undefined) await mkdir(dirname(resolve(out)), { recursive: true });
  const stop = new AbortController();
  const binary = await findRedisServer({ onStep: progress });
  if (binary === undefined) throw new Failure("There is no redis-server to be had here, and the bench measures with one.");
  const host = {
    fanfare: fileURLToPath(new URL("../main.js", import.meta.url)),
    startRedis: (dir: string) => startRedis(binary, dir),
    guard: endWithUs,
    progress,
    signal: stop.signal,
  };
  const wish = { ...counts, scenario, json, quick: small, command: asCalled(command), budgetMs, redisVersion: binary.version };
  const done = runBench(wish, host, (text) => {
    clearProgress();
    process.stdout.write(text);
  });
  onStop(async () => {
    stop.abort();
    await done.catch(() => {});
  });
  try {
    const { page } = await done;
    if (out !== undefined) await writeFile(out, page);
  } catch (cause) {
    if (cause instanceof FanfareError) throw cause;
    // A process under test that died or refused: what it said is what one needs, not where we heard of it.
    throw new Failure("The bench could not be carried out.", { cause });
  } finally {
    clearProgress();
  }
}

/** With the options that were given, so that the report says how to have it again. */
function asCalled(command: Command): string {
  const given = command.options.flatMap((option) => {
    const value: unknown = command.getOptionValue(option.attributeName());
    if (command.getOptionValueSource(option.attributeName()) !== "cli") return [];
    return value === true ? [option.long] : [`${option.long} ${String(value)}`];
  });
  return ["fanfare bench", ...command.args, ...given].join(" ");
}

async function startRedis(binary: RedisServerBinary, dir: string): Promise<BenchRedis> {
  const socket = join(dir, "redis.sock");
  const { pid, stop } = await startRedisServer(binary, { socket, dir });
  return { socket, pid, version: binary.version, stop };
}

/** On stderr, so that the report can go to a file. A terminal shows one line that changes. */
function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[2K${text.slice(0, 79)}`);
  else process.stderr.write(`${text}\n`);
}

function clearProgress(): void {
  if (process.stderr.isTTY) process.stderr.write("\r\x1b[2K");
}

function from(min: number, max: number): (text: string) => number {
  return (text) => {
    const number = /^\d{1,7}$/.test(text) ? Number(text) : Number.NaN;
    if (number >= min && number <= max) return number;
    throw new InvalidArgumentError(`Give a whole number from ${min} to ${max}.`);
  };
}

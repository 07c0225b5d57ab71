/*
 *   npm run chaos -- [--rounds 5] [--seed 1] [--only node-kill] [--short]
 *
 * Runs the faults of this folder with 60 clients and full lengths and prints a table. A round that fails is repeated alone
 * with the seed that it printed: --only <file> --rounds 1 --seed <its seed>. Needs what is built.
 */
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const root = fileURLToPath(new URL("../..", import.meta.url));
const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "1" },
    seed: { type: "string", default: String(Math.floor(Math.random() * 1e9)) },
    only: { type: "string", default: "" },
    short: { type: "boolean", default: false },
  },
});
for (const name of ["rounds", "seed"]) {
  if (!/^[0-9]{1,9}$/.test(values[name])) {
    console.error(`--${name} must be a whole number`);
    process.exit(2);
  }
}

const dir = await mkdtemp(join(tmpdir(), "fanfare-chaos-"));
const report = join(dir, "rows.jsonl");
console.log(`seed ${values.seed}`);
const code = await run();
print(await rows());
await rm(dir, { recursive: true });
process.exitCode = code;

function run() {
  const vitest = join(root, "node_modules", "vitest", "vitest.mjs");
  const child = spawn(process.execPath, [vitest, "run", "--project", "cluster", `test/chaos/${values.only}`], {
    cwd: root,
    stdio: "inherit",
    env: {
      ...process.env,
      CHAOS_ROUNDS: values.rounds,
      CHAOS_SEED: values.seed,
      CHAOS_FULL: values.short ? "0" : "1",
      CHAOS_REPORT: report,
    },
  });
  return new Promise((resolve) => child.once("exit", (exitCode) => resolve(exitCode ?? 1)));
}

async function rows() {
  const text = await readFile(report, "utf8").catch(() => "");
  return text
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));
}

function print(all) {
  const columns = {
    fault: "fault",
    rounds: "rounds",
    published: "publishes",
    retried: "retried",
    lost: "lost",
    doubled: "doubled",
    disordered: "out of order",
    wrong: "wrong",
    resets: "resets",
    fresh: "not recovered",
    recoveries: "recovered",
    p50Ms: "caught up p50 ms",
    p99Ms: "p99 ms",
  };
  console.log(`\n| ${Object.values(columns).join(" | ")} |\n|${"---|".repeat(Object.keys(columns).length)}`);
  for (const row of all)
    console.log(
      `| ${Object.keys(columns)
        .map((name) => row[name])
        .join(" | ")} |`,
    );
}

/*
 *   npm run fuzz -- [--seed 1] [--inputs 250000]
 *
 * Sends that many broken inputs to a cluster of two nodes and an admin API, at every door at once. The same seed makes the
 * same inputs. Needs what is built.
 */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const root = fileURLToPath(new URL("../..", import.meta.url));
const { values } = parseArgs({
  options: {
    seed: { type: "string", default: String(Math.floor(Math.random() * 1e9)) },
    inputs: { type: "string", default: "250000" },
  },
});
for (const name of ["seed", "inputs"]) {
  if (!/^[0-9]{1,9}$/.test(values[name])) {
    console.error(`--${name} must be a whole number`);
    process.exit(2);
  }
}

console.log(`seed ${values.seed}`);
const vitest = join(root, "node_modules", "vitest", "vitest.mjs");
const child = spawn(process.execPath, [vitest, "run", "--project", "cluster", "test/hostile/fuzz.test.ts"], {
  cwd: root,
  stdio: "inherit",
  env: { ...process.env, FUZZ_SEED: values.seed, FUZZ_INPUTS: values.inputs },
});
child.once("exit", (code) => {
  process.exitCode = code ?? 1;
});

/*
 *   npm run soak -- [--minutes 30] [--clients 2000] [--per-second 100] [--reconnects 20] [--restart-every 5]
 *
 * One long run of three nodes (soak.run.ts): prints its figures in one line at the end, and fails when anything was lost,
 * doubled, out of order or left behind. Needs what is built.
 */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const root = fileURLToPath(new URL("../..", import.meta.url));
const names = ["minutes", "clients", "per-second", "reconnects", "restart-every"];
const { values } = parseArgs({ options: Object.fromEntries(names.map((name) => [name, { type: "string" }])) });
const env = { ...process.env };
for (const [name, value] of Object.entries(values)) {
  if (!/^[0-9]{1,6}(\.[0-9]+)?$/.test(value) || Number(value) === 0) {
    console.error(`--${name} must be a number above 0`);
    process.exit(2);
  }
  env[`SOAK_${name.toUpperCase().replace("-", "_")}`] = value;
}
const vitest = join(root, "node_modules", "vitest", "vitest.mjs");
const args = [vitest, "run", "--config", "test/runs/vitest.config.ts", "soak"];
const child = spawn(process.execPath, args, { cwd: root, stdio: "inherit", env });
child.once("exit", (code) => {
  process.exitCode = code ?? 1;
});

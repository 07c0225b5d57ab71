import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { plantedViolation } from "./planted-violation.mjs";
import { run } from "./run.mjs";

/** Every static check. One that cannot run has failed: it is never skipped. */
export const checks = [
  { name: "style", work: (/** @type {string} */ root) => tool(root, "biome", ["check", "--error-on-warnings", "."]) },
  { name: "types", work: types },
  { name: "boundaries", work: (/** @type {string} */ root) => tool(root, "turbo", ["boundaries"]) },
  { name: "planted-violation", work: plantedViolation },
  { name: "unused", work: (/** @type {string} */ root) => tool(root, "knip", ["--treat-config-hints-as-errors"]) },
  { name: "lua", work: lua },
  { name: "package", work: packed },
];

function tool(/** @type {string} */ root, /** @type {string} */ name, /** @type {string[]} */ args) {
  return run(join(root, "node_modules", ".bin", name), args, { cwd: root });
}

/** The sources by project references, then the tests, which are no part of any build. */
async function types(/** @type {string} */ root) {
  const sources = await tool(root, "tsc", ["-b"]);
  return sources.ok ? tool(root, "tsc", ["-p", "tsconfig.test.json", "--noEmit"]) : sources;
}

async function lua(/** @type {string} */ root) {
  const folder = join("packages", "broker", "lua");
  if (!existsSync(join(root, folder))) return { ok: false, output: `There is no ${folder}.` };
  return run("luacheck", ["--std", "lua51", "--globals", "redis", "KEYS", "ARGV", "--", folder], { cwd: root });
}

/** The package that people get, made, installed into an empty folder and run. */
async function packed(/** @type {string} */ root) {
  const to = mkdtempSync(join(tmpdir(), "fanfare-package-"));
  try {
    return await run(process.execPath, [join(root, "infra", "pack", "main.mjs"), to], { cwd: root });
  } finally {
    rmSync(to, { recursive: true, force: true });
  }
}

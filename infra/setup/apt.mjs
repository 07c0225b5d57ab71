import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { run } from "./run.mjs";

/**
 * The first of these programs that is on PATH, with its folder, or undefined.
 *
 * @param {readonly string[]} names
 * @param {readonly string[]} [more] folders searched after those of PATH
 */
export function onPath(names, more = []) {
  const folders = [...(process.env.PATH ?? "").split(delimiter), ...more].filter((folder) => folder !== "");
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable);
}

function isExecutable(/** @type {string} */ file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Installs a distribution package; only root may. Package lists are fetched when the first try fails, as it does on a
 * fresh machine. Another apt at work is waited for.
 *
 * @param {string} name
 */
export async function aptInstall(name) {
  if (onPath(["apt-get"]) === undefined) return { ok: false, output: `There is no apt-get here: install ${name} by hand.` };
  if (process.getuid?.() !== 0) return { ok: false, output: `Only root can install it: sudo apt-get install ${name}` };
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const wait = ["-o", "DPkg::Lock::Timeout=300", "-o", "APT::Get::Lock::Timeout=300"];
  const install = () => run("apt-get", [...wait, "install", "--yes", "-qq", "--no-install-recommends", name], { env });
  const first = await install();
  if (first.ok) return first;
  const updated = await run("apt-get", [...wait, "update", "-qq"], { env });
  return updated.ok ? install() : updated;
}

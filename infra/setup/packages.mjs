import { createHash } from "node:crypto";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "./run.mjs";

/**
 * Installs the npm packages when they are missing or the lock file has changed. `npm install` and never `npm ci`: a lock
 * file made on one platform lacks what turbo and biome need on others, and `npm ci` refuses it (npm 11).
 *
 * @param {string} root
 */
export async function packages(root) {
  const lock = join(root, "package-lock.json");
  const installed = join(root, "node_modules", ".package-lock.json");
  const stamp = join(root, "node_modules", ".fanfare-setup");
  if (existsSync(installed) && (isNewer(installed, lock) || stampOf(stamp) === hashOf(lock)))
    return { ok: true, note: "present" };

  // Under `npm start` this names the npm that is running; by hand it is the one on PATH.
  const npm = process.env.npm_execpath;
  const args = ["install", "--no-audit", "--no-fund"];
  const done = await (npm?.endsWith("npm-cli.js")
    ? run(process.execPath, [npm, ...args], { cwd: root })
    : run("npm", args, { cwd: root }));
  // A checkout may touch the lock file without changing it: remember what was installed, not only when.
  if (done.ok) writeFileSync(stamp, hashOf(lock));
  return done;
}

function isNewer(/** @type {string} */ file, /** @type {string} */ than) {
  return statSync(file).mtimeMs >= statSync(than).mtimeMs;
}

function hashOf(/** @type {string} */ file) {
  return createHash("sha256").update(readFileSync(file)).digest("hex");
}

function stampOf(/** @type {string} */ file) {
  return existsSync(file) ? readFileSync(file, "utf8") : undefined;
}

import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { aptInstall, onPath } from "./apt.mjs";

/**
 * A Redis for the tests, found by the same code that `fanfare up` uses. Run after the build.
 *
 * @param {string} root
 * @param {(text: string) => void} note
 */
export async function redisServer(root, note) {
  const { findRedisServer } = await import(pathToFileURL(join(root, "packages", "redis-server", "dist", "index.js")).href);
  const steps = /** @type {string[]} */ ([]);
  const onStep = (/** @type {string} */ text) => {
    steps.push(text);
    note(text);
  };
  const binary = await findRedisServer({ onStep });
  if (binary === undefined) return { ok: false, output: steps.join("\n") };
  return { ok: true, note: `${binary.version}, ${binary.from === "path" ? "on PATH" : `${binary.from}`}` };
}

/** Names of Chromium that the browser tests look for on PATH, see docs/TESTING.md. */
const browsers = ["chromium", "chromium-headless-shell", "google-chrome"];

/** A Chromium for the browser tests: the headless one is half the size and enough for them. */
export async function chromium() {
  return provide(browsers, "chromium-headless-shell");
}

/** luacheck, for the Lua scripts of the broker. */
export async function luacheck() {
  return provide(["luacheck"], "lua-check");
}

/**
 * @param {readonly string[]} programs
 * @param {string} aptName
 */
async function provide(programs, aptName) {
  const present = onPath(programs);
  if (present !== undefined) return { ok: true, note: present };
  const installed = await aptInstall(aptName);
  const now = onPath(programs);
  if (now !== undefined) return { ok: true, note: `installed ${aptName}` };
  return { ok: false, output: installed.output || `${aptName} was installed, but none of ${programs.join(", ")} is on PATH.` };
}

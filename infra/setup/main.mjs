/*
 * What has to be there before Fanfare's own code can run. Plain Node and no packages: this runs straight after `git clone`.
 *
 *   node infra/setup/main.mjs start [args of fanfare up]     npm start
 *   node infra/setup/main.mjs test [args of vitest]          npm test
 *   node infra/setup/main.mjs check [names of checks]        npm run check
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "./build.mjs";
import { checks } from "./checks.mjs";
import { packages } from "./packages.mjs";
import { balancers, chromium, luacheck, prometheus, pythonPrograms, rabbitmq, redisServer, shellPrograms } from "./provide.mjs";
import { runHere } from "./run.mjs";
import { createSteps } from "./steps.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const [command = "", ...args] = process.argv.slice(2);

process.exitCode = await main(command, args);

async function main(/** @type {string} */ name, /** @type {string[]} */ rest) {
  if (Number(process.versions.node.split(".")[0]) < 20)
    return refuse(`Fanfare needs Node 20.19 or newer; this is ${process.version}.`);
  if (name === "start") return start(rest);
  if (name === "test") return test(rest);
  if (name === "check") return check(rest);
  return refuse("usage: node infra/setup/main.mjs start | test | check");
}

async function start(/** @type {string[]} */ rest) {
  const { step } = createSteps(2);
  if (!(await prepare(step))) return 1;
  return runHere(process.execPath, [join(root, "apps", "cli", "dist", "main.js"), "up", ...rest], { cwd: root });
}

async function test(/** @type {string[]} */ rest) {
  const { step } = createSteps(9);
  if (!(await prepare(step))) return 1;
  if (!(await step("redis-server", (note) => redisServer(root, note))).ok) return 1;
  // Without a browser everything else is still tested; the browser tests then fail and say what they miss.
  await step("chromium", chromium);
  // The same for those of ingestion, of other clients, of the balancers in front and of the examples.
  await step("rabbitmq", rabbitmq);
  await step("python programs", pythonPrograms);
  await step("balancers", balancers);
  await step("prometheus", prometheus);
  await step("shell programs", shellPrograms);
  const report = ["--reporter=default", "--reporter=json", `--outputFile.json=${cacheFile("vitest.json")}`];
  const ownReport = rest.some((arg) => arg.startsWith("--reporter"));
  const vitest = join(root, "node_modules", "vitest", "vitest.mjs");
  return runHere(process.execPath, [vitest, "run", ...(ownReport ? [] : report), ...rest], { cwd: root });
}

async function check(/** @type {string[]} */ only) {
  const unknown = only.filter((name) => !checks.some((one) => one.name === name));
  if (unknown.length > 0)
    return refuse(`There is no check ${unknown.join(", ")}. There are: ${checks.map(({ name }) => name).join(", ")}`);
  const chosen = checks.filter(({ name }) => only.length === 0 || only.includes(name));
  const { step } = createSteps(3 + chosen.length);
  if (!(await prepare(step))) return 1;
  await step("provide luacheck", luacheck);
  const results = [];
  for (const { name, work } of chosen) results.push(await step(name, () => work(root)));
  writeFileSync(cacheFile("checks.json"), JSON.stringify(results));
  return results.every(({ ok }) => ok) ? 0 : 1;
}

/** What every command needs: packages, then everything built. */
async function prepare(/** @type {ReturnType<typeof createSteps>["step"]} */ step) {
  return (await step("packages", () => packages(root))).ok && (await step("build", () => build(root))).ok;
}

/** Reports that .ci/run counts. */
function cacheFile(/** @type {string} */ name) {
  const folder = join(root, ".cache");
  mkdirSync(folder, { recursive: true });
  return join(folder, name);
}

function refuse(/** @type {string} */ message) {
  process.stderr.write(`${message}\n`);
  return 2;
}

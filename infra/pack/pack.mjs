import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "../setup/run.mjs";
import { thirdParty } from "./third-party.mjs";
import { manifestIn, withItsOwn, workspaces } from "./workspaces.mjs";

const cli = "@fanfare/cli";
/** Found at run time by its name, so that nothing imports it. */
const atRunTime = ["@fanfare/console"];
/** Tests, and what only compilers and debuggers read. */
const leftOut = /\.test\.|\.tsbuildinfo$|\.d\.ts$|\.map$|\.turbo$/;

/**
 * Makes the one package that is given to people: the CLI with all workspaces inside (bundleDependencies), and what comes from the
 * registry pinned to what was tested here. Resolves with the file's path.
 *
 * @returns {Promise<string>}
 */
export async function pack(/** @type {string} */ root, /** @type {string} */ to) {
  const stage = mkdtempSync(join(tmpdir(), "fanfare-pack-"));
  try {
    fillStage(root, stage);
    mkdirSync(to, { recursive: true });
    const { ok, output } = await run("npm", ["pack", "--silent", "--pack-destination", to], { cwd: stage });
    const name = output.trim().split("\n").at(-1) ?? "";
    if (!ok || !existsSync(join(to, name))) throw new Error(output);
    return join(to, name);
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
}

function fillStage(/** @type {string} */ root, /** @type {string} */ stage) {
  const { version, license, description, engines } = manifestIn(root);
  const parts = withItsOwn(workspaces(root), cli, atRunTime);
  const odd = parts.find(({ manifest }) => manifest.version !== version);
  if (odd !== undefined)
    throw new Error(`${odd.manifest.name} is ${odd.manifest.version}, the root is ${version}: see docs/RELEASING.md`);
  const [first, ...rest] = parts;
  if (first === undefined) throw new Error(`There is no ${cli}.`);
  for (const { folder, manifest } of parts) {
    const target = manifest.name === cli ? stage : join(stage, "node_modules", manifest.name);
    copyFiles(folder, target, manifest.files ?? ["dist"]);
    if (manifest.name === cli) continue;
    // Without dependencies: they are all the outer package's, which is where Node looks next.
    const { name, type, exports } = manifest;
    writeJson(join(target, "package.json"), { name, version, license, type, exports });
  }
  const own = new Set(parts.map(({ manifest }) => manifest.name));
  const { type, bin } = first.manifest;
  writeJson(join(stage, "package.json"), {
    name: cli,
    version,
    description,
    keywords: ["socket.io", "realtime", "broadcast", "pubsub", "websocket", "redis"],
    license,
    type,
    bin,
    engines,
    files: ["bin", "dist", "*.md", "*.json", "LICENSE"],
    dependencies: {
      ...pinned(root, parts, own, "dependencies"),
      ...Object.fromEntries(rest.map(({ manifest }) => [manifest.name, version])),
    },
    optionalDependencies: pinned(root, parts, own, "optionalDependencies"),
    bundleDependencies: rest.map(({ manifest }) => manifest.name),
  });
  for (const name of ["LICENSE", "README.md", "CHANGELOG.md"]) cpSync(join(root, name), join(stage, name));
  writeFileSync(join(stage, "THIRD-PARTY.md"), thirdParty(root));
}

function copyFiles(/** @type {string} */ from, /** @type {string} */ target, /** @type {string[]} */ files) {
  for (const name of files.filter((one) => !one.startsWith("!"))) {
    const source = join(from, name);
    if (!existsSync(source)) throw new Error(`${source} is missing: npm run build`);
    cpSync(source, join(target, name), { recursive: true, filter: (path) => !leftOut.test(path) });
  }
}

/**
 * What comes from the registry, each at the version that is installed here.
 *
 * @param {string} root
 * @param {import("./workspaces.mjs").Workspace[]} parts
 * @param {Set<string>} own
 * @param {"dependencies" | "optionalDependencies"} kind
 */
function pinned(root, parts, own, kind) {
  const lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")).packages;
  const names = parts
    // What the console's page is made of is inside.
    .filter(({ manifest }) => !atRunTime.includes(manifest.name))
    .flatMap(({ manifest }) => Object.keys(manifest[kind] ?? {}))
    .filter((name) => !own.has(name));
  return Object.fromEntries([...new Set(names)].sort().map((name) => [name, lock[`node_modules/${name}`].version]));
}

function writeJson(/** @type {string} */ path, /** @type {unknown} */ value) {
  writeFileSync(path, `${JSON.stringify(value, null, 2)}\n`);
}

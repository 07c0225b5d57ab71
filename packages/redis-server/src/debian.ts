import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { onPath, type RedisServerBinary, versionOf } from "./binary.ts";
import { type Ran, run } from "./run.ts";

/** On Debian `redis-server` holds a link and a service file; the program itself is in `redis-tools`. */
const packages = ["redis-server", "redis-tools"] as const;

/** A server unpacked into `folder` earlier, if it still runs (an upgrade of the system can take a library away). */
export async function unpackedBinary(folder: string): Promise<Omit<RedisServerBinary, "from"> | undefined> {
  const path = join(folder, "usr", "bin", "redis-server");
  if (!existsSync(path)) return undefined;
  const env = { LD_LIBRARY_PATH: (await libraryFolders(folder)).join(":") };
  const version = await versionOf(path, env);
  return version === undefined ? undefined : { path, env, version };
}

/** The multiarch folders (`usr/lib/x86_64-linux-gnu` and so on) of an unpacked tree. */
async function libraryFolders(folder: string): Promise<string[]> {
  const roots = [join(folder, "usr", "lib"), join(folder, "lib")].filter(existsSync);
  const found = await Promise.all(
    roots.map(async (root) =>
      (await readdir(root, { withFileTypes: true }))
        .filter((entry) => entry.isDirectory())
        .map((entry) => join(root, entry.name)),
    ),
  );
  return [...roots, ...found.flat()];
}

/** Downloads the distribution's packages and unpacks them into `folder`. Undefined, with a word on why, when that fails. */
export async function downloadPackages(
  folder: string,
  env: NodeJS.ProcessEnv,
  say: (step: string) => void,
): Promise<RedisServerBinary | undefined> {
  const path = env.PATH ?? "";
  if (onPath("apt-get", path) === undefined || onPath("dpkg-deb", path) === undefined) {
    say("no Redis on PATH, and this system has no apt-get to get one with");
    return undefined;
  }
  await mkdir(dirname(folder), { recursive: true });
  const scratch = await mkdtemp(`${folder}.new-`);
  try {
    say("downloading the distribution's redis-server package");
    const debs = await fetchDebs(scratch, env, say);
    if (debs === undefined) return undefined;
    const tree = join(scratch, "tree");
    for (const deb of debs) {
      const unpacked = await run("dpkg-deb", ["-x", deb, tree], { env });
      if (unpacked.code !== 0) return failed(say, "dpkg-deb could not unpack", unpacked);
    }
    if ((await unpackedBinary(tree)) === undefined) {
      say("the downloaded redis-server does not start on this system");
      return undefined;
    }
    await moveInto(folder, tree);
    const binary = await unpackedBinary(folder);
    return binary && { ...binary, from: "download" };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Two processes may get here together: the first one's tree stays, unless it does not run. */
async function moveInto(folder: string, tree: string): Promise<void> {
  if (existsSync(folder) && (await unpackedBinary(folder)) === undefined) await rm(folder, { recursive: true, force: true });
  await rename(tree, folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error;
  });
}

/** The files to unpack: our packages, and what they need that this system does not have, as apt's own resolver sees it. */
async function fetchDebs(scratch: string, env: NodeJS.ProcessEnv, say: (step: string) => void): Promise<string[] | undefined> {
  const state = join(scratch, "state");
  const downloads = join(scratch, "downloads");
  for (const part of [join(state, "lists", "partial"), join(scratch, "cache", "archives", "partial"), downloads]) {
    await mkdir(part, { recursive: true });
  }
  const apt = (lists: string, ...args: string[]) =>
    run("apt-get", [...privateState(scratch, lists), ...args], { env, cwd: downloads });
  const get = async (lists: string): Promise<Ran> => {
    const plan = await apt(lists, "install", "--yes", "--no-install-recommends", "--print-uris", ...packages);
    return plan.code === 0 ? apt(lists, "download", ...new Set([...packages, ...namesIn(plan.out)])) : plan;
  };

  let got = await get("/var/lib/apt/lists");
  if (got.code !== 0) {
    // A fresh machine has no lists, and old lists name files that are gone. Ours are private, so no root is needed.
    say("fetching the package lists first");
    const lists = join(state, "lists");
    const updated = await apt(lists, "update");
    if (updated.code !== 0) return failed(say, "apt-get update failed", updated);
    got = await get(lists);
  }
  if (got.code !== 0) return failed(say, "apt-get could not download redis-server", got);
  return (await readdir(downloads)).filter((name) => name.endsWith(".deb")).map((name) => join(downloads, name));
}

/** Lets apt-get work without root and without touching the system: it only reads which packages are installed. */
function privateState(scratch: string, lists: string): string[] {
  const settings = {
    "Dir::State": join(scratch, "state"),
    "Dir::State::Lists": lists,
    "Dir::State::status": "/var/lib/dpkg/status",
    "Dir::Cache": join(scratch, "cache"),
    "Debug::NoLocking": "1",
    // As root, apt would otherwise hand the download to a user that may not write here.
    "APT::Sandbox::User": "root",
    "Acquire::Retries": "2",
    "Acquire::http::Timeout": "30",
    "Acquire::https::Timeout": "30",
  };
  return ["-qq", ...Object.entries(settings).flatMap(([name, value]) => ["-o", `${name}=${value}`])];
}

/** Package names in what `--print-uris` prints: lines of `'<uri>' <name>_<version>_<arch>.deb <size> <hash>`. */
function namesIn(uris: string): string[] {
  return [...uris.matchAll(/^'[^']*' ([a-z0-9][a-z0-9+.-]*)_\S+\.deb /gm)].map((match) => match[1] ?? "");
}

function failed(say: (step: string) => void, what: string, { err }: Ran): undefined {
  const reason = err
    .split("\n")
    .map((line) => line.trim())
    .find((line) => line !== "");
  say(reason === undefined ? what : `${what}: ${reason}`);
  return undefined;
}

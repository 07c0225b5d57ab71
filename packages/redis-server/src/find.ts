import { homedir } from "node:os";
import { join } from "node:path";
import { onPath, type RedisServerBinary, versionOf } from "./binary.ts";
import { downloadPackages, unpackedBinary } from "./debian.ts";

export interface FindOptions {
  /** Where an unpacked server is kept, by default `fanfare` in the user's cache folder ($XDG_CACHE_HOME or ~/.cache). */
  readonly cacheDir?: string;
  /** Told in words what takes time, and why a way led nowhere. */
  readonly onStep?: (step: string) => void;
  /** Where PATH and the cache folder are read from, by default this process's environment. */
  readonly env?: NodeJS.ProcessEnv;
}

/** Valkey is Redis's fork with the same protocol and scripts; either will do. */
const programs = ["redis-server", "valkey-server"] as const;

/**
 * A Redis server that runs on this machine: one on PATH, else one unpacked earlier, else (on Debian and its children) the
 * distribution's own package, downloaded and unpacked into a cache folder. Needs no root, installs nothing, starts nothing.
 * Undefined when there is none to be had; safe to be called by several processes at once.
 */
export async function findRedisServer(options: FindOptions = {}): Promise<RedisServerBinary | undefined> {
  const env = options.env ?? process.env;
  const say = options.onStep ?? (() => {});
  for (const program of programs) {
    const path = onPath(program, env.PATH ?? "");
    const version = path === undefined ? undefined : await versionOf(path, {});
    if (path !== undefined && version !== undefined) return { path, version, env: {}, from: "path" };
  }
  const folder = join(options.cacheDir ?? userCache(env), "redis");
  const cached = await unpackedBinary(folder);
  if (cached !== undefined) return { ...cached, from: "cache" };
  return downloadPackages(folder, env, say);
}

function userCache(env: NodeJS.ProcessEnv): string {
  const base = env.XDG_CACHE_HOME;
  return join(base === undefined || base === "" ? join(homedir(), ".cache") : base, "fanfare");
}

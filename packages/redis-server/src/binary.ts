import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { run } from "./run.ts";

/** A server program that has been run once (`--version`), so it is known to start here. */
export interface RedisServerBinary {
  readonly path: string;
  /** What to set beside the usual environment: the libraries of an unpacked server are not where the loader looks. */
  readonly env: Readonly<Record<string, string>>;
  /** Such as `7.0.15`. */
  readonly version: string;
  /** How it was found: on PATH, unpacked earlier, or downloaded and unpacked just now. */
  readonly from: "path" | "cache" | "download";
}

/** The file that a shell would run for `name`, or undefined. */
export function onPath(name: string, path: string): string | undefined {
  return path
    .split(delimiter)
    .filter((folder) => folder !== "")
    .map((folder) => join(folder, name))
    .find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The version that a server program prints, or undefined when it does not even start. */
export async function versionOf(path: string, env: Readonly<Record<string, string>>): Promise<string | undefined> {
  const { code, out } = await run(path, ["--version"], { env: { ...process.env, ...env } });
  return code === 0 ? /v=(\d+(?:\.\d+)*)/.exec(out)?.[1] : undefined;
}

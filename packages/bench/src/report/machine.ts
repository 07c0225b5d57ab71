import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { cpus, loadavg, release, type as systemType, totalmem } from "node:os";

/** What a figure depends on beside the code. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGib: number;
  readonly system: string;
  /** Runnable processes of the last minute, before the bench began. */
  readonly load: number;
  readonly versions: Readonly<Record<string, string>>;
}

const compared = ["socket.io", "@socket.io/redis-adapter", "ioredis", "fastify", "ws"] as const;

export function machine(): Machine {
  const require = createRequire(import.meta.url);
  // The version stands in package.json, which not every package lets one resolve: look for it beside the code.
  const versionOf = (name: string): string => {
    const folder = require.resolve.paths(name)?.find((path) => existsSync(`${path}/${name}/package.json`));
    return (JSON.parse(readFileSync(`${folder}/${name}/package.json`, "utf8")) as { version: string }).version;
  };
  const own = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as { version: string };
  return {
    cpu: cpus()[0]?.model.replace(/\s+/g, " ").trim() ?? "unknown",
    cores: cpus().length,
    memoryGib: Math.round((totalmem() / 2 ** 30) * 10) / 10,
    system: `${systemType()} ${release()}`,
    load: loadavg()[0] ?? Number.NaN,
    versions: {
      fanfare: own.version,
      node: process.versions.node,
      ...Object.fromEntries(compared.map((name) => [name, versionOf(name)])),
    },
  };
}

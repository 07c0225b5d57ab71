import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { onPath } from "./binary.ts";
import { findRedisServer } from "./find.ts";
import { startRedisServer } from "./start.ts";

/** Long enough to download packages over a slow line. */
const downloadMs = 180_000;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "fanfare-find-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** This machine's programs without the servers, as on a machine where none is installed. */
async function pathWithoutRedis(): Promise<string> {
  const bin = join(folder, "bin");
  await mkdir(bin);
  const folders = ["/usr/bin", "/bin", "/usr/sbin", "/sbin"];
  const seen = new Set<string>();
  for (const source of folders) {
    for (const name of await readdir(source).catch(() => [])) {
      if (/^(redis|valkey)-/.test(name) || seen.has(name)) continue;
      seen.add(name);
      await symlink(join(source, name), join(bin, name));
    }
  }
  return bin;
}

test("without a server on PATH, the distribution's package is unpacked, starts, and is found in the cache next time", {
  timeout: downloadMs,
}, async () => {
  const env = { ...process.env, PATH: await pathWithoutRedis() };
  const steps: string[] = [];
  const look = () => findRedisServer({ cacheDir: join(folder, "cache"), env, onStep: (step) => steps.push(step) });
  if (onPath("apt-get", env.PATH) === undefined) {
    expect(await look()).toBeUndefined();
    expect(steps).toEqual(["no Redis on PATH, and this system has no apt-get to get one with"]);
    return;
  }

  // Two at once: whoever is second finds the folder taken.
  const [one, other] = await Promise.all([look(), look()]);
  if (one === undefined) {
    // A machine that cannot reach its package mirror still gets a reason.
    expect(steps.at(-1)).toMatch(/^apt-get (update failed|could not download redis-server): ./);
    return;
  }
  expect([one.from, other?.from]).toEqual(["download", "download"]);
  expect(one.path).toBe(join(folder, "cache", "redis", "usr", "bin", "redis-server"));
  expect(await readdir(join(folder, "cache"))).toEqual(["redis"]);

  const again = await look();
  expect(again).toEqual({ ...one, from: "cache" });

  const server = await startRedisServer(one, { socket: join(folder, "s"), dir: folder });
  expect(server.url).toBe(`redis+unix://${join(folder, "s")}`);
  await server.stop();
  expect(await server.ended).toBe("SIGKILL");
});

test("a program of that name that does not start is passed over", async () => {
  const bin = await pathWithoutRedis();
  await writeFile(join(bin, "redis-server"), "#!/bin/sh\nexit 1\n", { mode: 0o755 });
  await rm(join(bin, "apt-get"), { force: true });
  expect(await findRedisServer({ cacheDir: folder, env: { PATH: bin } })).toBeUndefined();
});

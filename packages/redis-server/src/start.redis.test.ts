import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { until } from "@fanfare/test-support";
import { afterEach, beforeEach, expect, test } from "vitest";
import { findRedisServer } from "./find.ts";
import { startRedisServer } from "./start.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "fanfare-start-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function binary() {
  const found = await findRedisServer();
  if (found === undefined) throw new Error("This test needs a redis-server.");
  return found;
}

function ping(socket: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const connection = createConnection(socket, () => connection.write("PING\r\n"));
    connection.once("data", (data) => {
      resolve(String(data));
      connection.destroy();
    });
    connection.once("error", reject);
  });
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test("a started server answers at once, and is gone after stop", async () => {
  const socket = join(folder, "redis.sock");
  const server = await startRedisServer(await binary(), { socket, dir: folder });
  expect(await ping(socket)).toBe("+PONG\r\n");
  await server.stop();
  await server.stop();
  await expect(ping(socket)).rejects.toThrow();
});

test("a server that cannot start is refused with its own last words", async () => {
  const options = { socket: join(folder, "redis.sock"), dir: folder, args: ["--no-such-option", "1"] };
  await expect(startRedisServer(await binary(), options)).rejects.toThrow(/exit 1\..*no-such-option/);
});

test("a process that is killed without a turn to clean up leaves no server behind", async () => {
  const script = join(folder, "starter.mjs");
  const dist = fileURLToPath(new URL("../dist/index.js", import.meta.url));
  await writeFile(
    script,
    `import { findRedisServer, startRedisServer } from ${JSON.stringify(dist)};
     const server = await startRedisServer(await findRedisServer(), { socket: ${JSON.stringify(join(folder, "s"))}, dir: ${JSON.stringify(folder)} });
     console.log(server.pid);
     setInterval(() => {}, 1_000);`,
  );
  const starter = spawn(process.execPath, [script], { stdio: ["ignore", "pipe", "inherit"] });
  const pid = await new Promise<number>((resolve) => starter.stdout.once("data", (data) => resolve(Number(data))));
  expect(alive(pid)).toBe(true);
  starter.kill("SIGKILL");
  await until(() => (alive(pid) ? `redis-server ${pid} lives on` : undefined));
});

test("a server is no reason for its starter to stay", async () => {
  const script = join(folder, "starter.mjs");
  const dist = fileURLToPath(new URL("../dist/index.js", import.meta.url));
  await writeFile(
    script,
    `import { findRedisServer, startRedisServer } from ${JSON.stringify(dist)};
     await startRedisServer(await findRedisServer(), { socket: ${JSON.stringify(join(folder, "s"))}, dir: ${JSON.stringify(folder)} });`,
  );
  const starter = spawn(process.execPath, [script], { stdio: "inherit" });
  const code = await new Promise((resolve) => starter.once("exit", resolve));
  expect(code).toBe(0);
});

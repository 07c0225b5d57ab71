import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type StartRedisOptions, startRedis, type TestRedis } from "@fanfare/test-support";
import { afterEach, beforeEach, expect, test } from "vitest";
import { fanfare } from "../test/command.ts";

let folder: string;
let redis: TestRedis | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "fanfare-check-"));
});
afterEach(async () => {
  await redis?.stop();
  redis = undefined;
  await rm(folder, { recursive: true, force: true });
});

async function start(options: StartRedisOptions): Promise<string> {
  redis = await startRedis(options);
  return redis.url;
}

interface Checked {
  readonly code: number | null;
  /** What is wrong, by row. */
  readonly wrong: Readonly<Record<string, string>>;
  /** Rows without a fault. */
  readonly good: readonly string[];
}

async function check(url: string): Promise<Checked> {
  const { code, out, err } = await fanfare(["check", "--json"], { cwd: folder, env: { FANFARE_REDIS_URL: url } });
  expect(err).toBe("");
  const { findings } = JSON.parse(out) as { findings: readonly { row: string; verdict: string; fault?: string }[] };
  const wrong = findings.flatMap(({ row, fault }) => (fault === undefined ? [] : [[row, fault] as const]));
  const good = findings.filter(({ verdict }) => verdict === "good").map(({ row }) => row);
  return { code, wrong: Object.fromEntries(wrong), good };
}

test("a Redis that keeps its promises is good, and what it risks is a warning", async () => {
  const url = await start({ appendOnly: true, args: ["--maxmemory", "64mb"] });
  const { code, wrong, good } = await check(url);
  expect({ code, wrong }).toEqual({ code: 0, wrong: { replicas: "redis-replicas" } });
  expect(good).toEqual(["redis", "eviction", "memory", "persistence", "acl"]);
});

test("a Redis that may drop logs breaks promises, and every row says what to do", async () => {
  const url = await start({ args: ["--maxmemory", "64mb", "--maxmemory-policy", "volatile-lru"] });
  const { code, out } = await fanfare(["check"], { cwd: folder, env: { FANFARE_REDIS_URL: url } });
  expect(code).toBe(1);
  expect(out).toMatch(/^FAULT {3}eviction +redis-policy: maxmemory-policy volatile-lru lets Redis drop$/m);
  expect(out).toContain("→ Set maxmemory-policy noeviction.");
  const [, rows = ""] = out.split("hear their own channel.\n");
  for (const line of rows.split("\n")) expect(line.length, line).toBeLessThanOrEqual(80);
});

test("a user that may not do what nodes do is named with the commands", async () => {
  const acl = join(folder, "users.acl");
  await writeFile(acl, "user default on nopass ~fanfare:* &fanfare#* -@all +@connection +info +@read +subscribe\n");
  const url = await start({ args: ["--aclfile", acl] });
  expect(await check(url)).toMatchObject({ code: 1, wrong: { acl: "redis-acl" } });
});

test("a URL of another kind than the server, and slots that nobody serves, are faults", async () => {
  const url = await start({ port: true, args: ["--cluster-enabled", "yes"] });
  expect(await check(url)).toMatchObject({ code: 1, wrong: { cluster: "redis-cluster" } });
  expect(await check(url.replace("redis:", "redis+cluster:"))).toMatchObject({ code: 1, wrong: { cluster: "redis-cluster" } });
});

test("a Redis that is away is a fault, and the settings are shown all the same", async () => {
  expect(await check("redis://127.0.0.1:9")).toEqual({ code: 1, wrong: { redis: "redis-unreachable" }, good: [] });
});

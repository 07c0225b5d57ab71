import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { fanfare as run } from "../test/command.ts";

// Every command is a process of its own, and a busy machine takes its time to start one.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 30_000 });

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "fanfare-cli-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** In an empty folder, so that no settings file is found. */
const fanfare = (args: string[], env: Record<string, string> = {}) => run(args, { cwd: folder, env });

test("help and version fit 80 columns and end well", async () => {
  for (const args of [
    ["--help"],
    ["up", "--help"],
    ["gateway", "--help"],
    ["tail", "--help"],
    ["bench", "--help"],
    ["--version"],
  ]) {
    const { code, out, err } = await fanfare(args);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    for (const line of out.split("\n")) expect(line.length, line).toBeLessThanOrEqual(80);
  }
});

test("a misspelled flag or command is refused with what may have been meant", async () => {
  expect(await fanfare(["up", "--prot", "1"])).toMatchObject({ code: 2, err: expect.stringContaining("Did you mean --port?") });
  expect(await fanfare(["publsh"])).toMatchObject({ code: 2, err: expect.stringContaining("Did you mean publish?") });
  expect(await fanfare(["up", "--nodes", "0"])).toMatchObject({ code: 2, err: expect.stringContaining("from 1 to 32") });
  expect(await fanfare(["bench", "fnaout"])).toMatchObject({ code: 2, err: expect.stringContaining("Allowed choices are") });
});

test("all mistakes in settings are told at once, each with the name that the person wrote", async () => {
  const { code, err } = await fanfare(["gateway", "--peer-port", "70000"], { FANFARE_PROT: "1", FANFARE_DRAIN_MS: "soon" });
  expect(code).toBe(2);
  expect(err).toContain("--peer-port");
  expect(err).toContain("FANFARE_PROT is not a setting; did you mean FANFARE_PORT?");
  expect(err).toContain("FANFARE_DRAIN_MS");
});

test("check lists the mistakes of settings and rules in one run", async () => {
  await writeFile(join(folder, "rules.json"), JSON.stringify({ namespaces: { news: { subscribe: "everyone", retian: {} } } }));
  const { code, err } = await fanfare(["check"], {
    FANFARE_RULES: "rules.json",
    FANFARE_PORT: "x",
    FANFARE_ADMIN_KEYS: "nosecret",
  });
  expect(code).toBe(2);
  for (const part of ["FANFARE_PORT", "FANFARE_ADMIN_KEYS", "news/subscribe", "news/retian"]) expect(err).toContain(part);
  const { out } = await fanfare(["check", "--json"], { FANFARE_RULES: "rules.json", FANFARE_PORT: "x" });
  const { good, mistakes } = JSON.parse(out) as { good: boolean; mistakes: { path: string }[] };
  expect([good, mistakes.map(({ path }) => path.split("/").at(-1))]).toEqual([false, ["FANFARE_PORT", "subscribe", "retian"]]);
});

test("check shows the effective settings without their secrets", async () => {
  await writeFile(join(folder, "fanfare.config.json"), JSON.stringify({ port: 8_008 }));
  const { code, out } = await fanfare(["check"], { FANFARE_TOKEN_SECRET: "do-not-print-this-do-not-print-this" });
  expect(code).toBe(0);
  expect(out).toMatch(/^ {2}port +8008$/m);
  expect(out).toMatch(/^ {2}tokenSecret +set$/m);
  expect(out).not.toContain("do-not-print");
});

test("a settings file that was named but is not there is a mistake", async () => {
  expect(await fanfare(["check", "--config", "nowhere.json"])).toMatchObject({
    code: 2,
    err: expect.stringContaining("nowhere.json"),
  });
});

test("up names the flag of every port that is taken, and starts nothing", async () => {
  const taken = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => taken.once("listening", resolve));
  const port = String((taken.address() as AddressInfo).port);
  const { code, out, err } = await fanfare(["up", "--port", port, "--admin-port", port]);
  taken.close();
  expect(code).toBe(2);
  expect(err).toContain(`--port ${port} is taken by another process`);
  expect(err).toContain(`--admin-port ${port} is taken by another process`);
  expect(out).toBe("");
});

test("a token needs a secret, and has the claims that were asked for", async () => {
  expect(await fanfare(["token"])).toMatchObject({ code: 2, err: expect.stringContaining("FANFARE_TOKEN_SECRET") });
  const args = ["token", "--user", "ada", "--channels", "news,team:*", "--publish", "chat", "--ttl", "90s"];
  const { code, out } = await fanfare(args, { FANFARE_TOKEN_SECRET: "s".repeat(32) });
  expect(code).toBe(0);
  const claims: unknown = JSON.parse(Buffer.from(out.split(".")[1] ?? "", "base64url").toString());
  expect(claims).toMatchObject({ sub: "ada", channels: ["news", "team:*"], publish: ["chat"] });
  const { iat, exp } = claims as { iat: number; exp: number };
  expect(exp - iat).toBe(90);
});

test("publish refuses what is no JSON before it asks anybody, and says when nobody answers", async () => {
  expect(await fanfare(["publish", "news", "{oops"])).toMatchObject({ code: 2, err: expect.stringContaining("JSON_INVALID") });
  expect(await fanfare(["publish", "no name", "1"])).toMatchObject({ code: 2, err: expect.stringContaining("CHANNEL_INVALID") });
  expect(await fanfare(["publish", "news", "1", "--traceparent", "00-1"])).toMatchObject({
    code: 2,
    err: expect.stringContaining("/traceparent is no traceparent of W3C Trace Context"),
  });
  const { code, err } = await fanfare(["publish", "news", "1"], { FANFARE_ADMIN_URL: "http://127.0.0.1:9" });
  expect(code).toBe(1);
  expect(err).toContain("No answer from an admin API at http://127.0.0.1:9");
});

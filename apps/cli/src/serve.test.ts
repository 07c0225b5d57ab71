import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "@fanfare/test-support";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { fanfare, RunningCommand } from "../test/command.ts";

// Every command is a process of its own, and a busy machine takes its time to start one.
vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

/** One machine, in memory: `serve`, and the client commands against it. */
let folder: string;
let server: RunningCommand;
let env: Record<string, string>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "fanfare-serve-"));
  const open = { subscribe: "anyone", history: "anyone" };
  await writeFile(join(folder, "rules.json"), JSON.stringify({ namespaces: { news: open, team: { subscribe: "token" } } }));
  env = { FANFARE_TOKEN_SECRET: "s".repeat(32), FANFARE_ADMIN_KEY: "secret" };
  server = new RunningCommand(
    ["serve", "--port", "0", "--admin-port", "0", "--peer-port", "0", "--rules", "rules.json", "--admin-keys", "ci:secret"],
    { cwd: folder, env },
  );
  const [line] = await server.says(/^.*"msg":"ready".*$/m);
  const { port, adminPort } = JSON.parse(line) as { port: number; adminPort: number };
  env = { ...env, FANFARE_URL: `http://127.0.0.1:${port}`, FANFARE_ADMIN_URL: `http://127.0.0.1:${adminPort}` };
});

afterAll(async () => {
  expect(await server.stop()).toBe(0);
  await rm(folder, { recursive: true, force: true });
});

const run = (...args: string[]) => fanfare(args, { cwd: folder, env });
const tail = (...args: string[]) => new RunningCommand(["tail", ...args], { cwd: folder, env });

test("the ready line has every port and the node's name", async () => {
  const [line] = await server.says(/^.*"msg":"ready".*$/m);
  expect(JSON.parse(line)).toMatchObject({
    node: expect.any(String),
    port: expect.any(Number),
    peerPort: expect.any(Number),
    adminPort: expect.any(Number),
  });
  expect(server.out.match(/"msg":"ready"/g)).toHaveLength(1);
});

test("what is published is printed by tail: one JSON line each, from where it was told to start", async () => {
  const first: { epoch: string; offset: number } = JSON.parse((await run("publish", "news:a", '{"n":1}')).out);
  await run("publish", "news:a", '{"base64":"AAEC"}', "--event", "bytes", "--id", "two");
  const since = tail("news:a", "--since", `${first.epoch}:${first.offset}`);
  const rewind = tail("news:a", "--rewind", "2");
  await since.says(/"offset":2/);
  await rewind.says(/"offset":2/);
  await run("publish", "news:a", "3");
  await since.says(/"offset":3/);
  await rewind.says(/"offset":3/);
  const lines = (command: RunningCommand) =>
    command.out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
  expect(lines(since)).toMatchObject([
    { channel: "news:a", event: "bytes", data: { base64: "AAEC" }, offset: 2, id: "two" },
    { channel: "news:a", event: "message", data: 3, offset: 3 },
  ]);
  expect(lines(rewind).map(({ offset }) => offset)).toEqual([1, 2, 3]);
  expect([await since.stop(), await rewind.stop()]).toEqual([0, 0]);
});

test("tail ends with the server's reason where no rule lets it listen, and goes on with a token that does", async () => {
  const refused = tail("team:a");
  expect(await refused.ended()).toBe(1);
  expect(refused.err).toMatch(/FORBIDDEN|UNAUTHENTICATED/);

  const token = (await run("token", "--channels", "team:*")).out.trim();
  const allowed = tail("team:a", "--token", token);
  await allowed.says(/connected as/);
  await until(async () => {
    await run("publish", "team:a", "1");
    return allowed.out === "" ? "nothing heard yet" : undefined;
  }, 15_000);
  await allowed.stop();
});

test("who is subscribed to a channel is listed while it is", async () => {
  const listed = async (): Promise<readonly unknown[]> => {
    const { FANFARE_ADMIN_URL: url, FANFARE_ADMIN_KEY: key } = env;
    const answer = await fetch(`${url}/v1/channels/news:who/connections`, { headers: { authorization: `Bearer ${key}` } });
    return ((await answer.json()) as { items: unknown[] }).items;
  };
  const listener = tail("news:who");
  await until(async () => ((await listed()).length === 1 ? undefined : "not listed yet"), 15_000);
  expect(await listed()).toMatchObject([{ user: null, channels: ["news:who"], unsentBytes: 0 }]);
  await listener.stop();
  await until(async () => ((await listed()).length === 0 ? undefined : "still listed"));
});

test("the same id with other content is refused under the API's own code", async () => {
  await run("publish", "news:b", "1", "--id", "x");
  expect(await run("publish", "news:b", "2", "--id", "x")).toMatchObject({
    code: 1,
    err: expect.stringContaining("ID_CONFLICT"),
  });
});

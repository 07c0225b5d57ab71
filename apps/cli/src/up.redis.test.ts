import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "@fanfare/test-support";
import { io } from "socket.io-client";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fanfare, RunningCommand } from "../test/command.ts";

/** A real cluster of two nodes, in a temporary folder of its own. */
let folder: string;
let up: RunningCommand;
let env: Record<string, string>;
/** Begins a request, and no more. */
let slow: Socket;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "up-"));
  up = new RunningCommand(["up", "--port", "0", "--admin-port", "0"], { cwd: folder, env: { TMPDIR: folder } });
  await up.says(/Ctrl-C ends everything/, 30_000);
  env = { FANFARE_URL: (await up.says(/^clients +(\S+)$/m))[1] ?? "" };
  slow = connect(Number(new URL(env.FANFARE_URL ?? "").port), "127.0.0.1").resume();
  slow.write("GET /socket.io/ HTTP/1.1\r\n");
}, 40_000);

afterAll(async () => {
  slow.destroy();
  up.process.kill("SIGKILL");
  await rm(folder, { recursive: true, force: true });
});

/** The processes that `up` has started and that still run, by the words of their command lines. */
async function childrenOf(word: string): Promise<number[]> {
  const pid = up.process.pid;
  const pids = (await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => ""))
    .trim()
    .split(" ")
    .filter(Boolean)
    .map(Number);
  const lines = await Promise.all(pids.map((child) => readFile(`/proc/${child}/cmdline`, "utf8").catch(() => "")));
  return pids.filter((_, at) => lines[at]?.includes(word));
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

interface Point {
  readonly offset: number;
  readonly data: { readonly x: number };
}

test("nodes that are killed are started again, and who tails the wave misses nothing and hears nothing twice", async () => {
  const tail = new RunningCommand(["tail", "demo:sine"], { cwd: folder, env });
  const points = (): Point[] =>
    tail.out
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line));
  await until(() => (points().length < 5 ? `only ${points().length} points` : undefined), 10_000);

  for (const [index, pid] of (await childrenOf("gateway")).entries()) {
    process.kill(pid, "SIGKILL");
    await up.says(new RegExp(`(node [12] is back.*){${index + 1}}`, "s"));
    const seen = points().length;
    await until(() => (points().length < seen + 10 ? `only ${points().length - seen} points since` : undefined), 15_000);
  }
  await tail.stop();
  const heard = points();
  expect(heard.map(({ offset }) => offset)).toEqual(heard.map((_, at) => (heard[0]?.offset ?? 0) + at));
  expect(heard.map(({ data }) => data.x)).toEqual(heard.map((_, at) => (heard[0]?.data.x ?? 0) + at));
});

test("who does not end the headers of a request is hung up on", async () => {
  await until(() => (slow.closed ? undefined : "still connected"), 12_000);
});

test("a stock client over polling stays connected, though every request goes to another node", async () => {
  const socket = io(env.FANFARE_URL ?? "", { transports: ["polling"], forceNew: true });
  let lost = 0;
  socket.on("disconnect", () => lost++);
  await until(() => (socket.connected ? undefined : "not connected"), 10_000);
  for (let round = 0; round < 20; round++) {
    expect(await socket.timeout(5_000).emitWithAck("echo", round)).toMatchObject({ ok: true, echo: round });
  }
  expect(lost).toBe(0);
  socket.disconnect();
});

test("a node is drained by its name, and up starts it again", async () => {
  const url = (await up.says(/^console +(\S+)\/console\/$/m))[1] ?? "";
  const key = (await up.says(/^admin key +(\S+)$/m))[1] ?? "";
  let node = "";
  await until(async () => {
    const answer = await fetch(`${url}/v1/nodes`, { headers: { authorization: `Bearer ${key}` } });
    const { items } = (await answer.json()) as { items: { node: string }[] };
    node = items[0]?.node ?? "";
    // The leases of those that were killed have to end first.
    return items.length === 2 ? undefined : `${items.length} nodes are listed`;
  }, 10_000);
  const settings = { ...env, FANFARE_ADMIN_URL: url, FANFARE_ADMIN_KEY: key };
  const drain = new RunningCommand(["drain", node, "--wait"], { cwd: folder, env: settings });
  await drain.says(
    new RegExp(`^${node} is draining\n(?:\\d+ connections? left\n)*${node} is gone, after [\\d.]+ s$`, "m"),
    15_000,
  );
  await up.says(/ended \(exit 0\)[\s\S]*is back/, 10_000);
  const unknown = await fanfare(["drain", "nobody"], { cwd: folder, env: settings });
  expect(unknown).toMatchObject({ code: 1, err: expect.stringContaining("No node of this name is alive") });
});

test("told to stop, it leaves no process and no file behind", async () => {
  const children = [...(await childrenOf("main.js")), ...(await childrenOf("redis"))];
  // Redis, two nodes and the admin; and an ingestion worker, where its port was free.
  expect(children.length).toBeGreaterThanOrEqual(4);
  expect(await up.stop()).toBe(0);
  expect(children.filter(alive)).toEqual([]);
  expect(await readdir(folder)).toEqual([]);
});

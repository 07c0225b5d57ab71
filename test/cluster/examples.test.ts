import { type ChildProcess, execFile, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { freePort, startRedis, startUp, type TestRedis, type Up, until } from "@fanfare/test-support";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";

/** The distribution's, which has its zmq and socketio. */
const python = "/usr/bin/python3";
const root = fileURLToPath(new URL("../../", import.meta.url));

let up: Up;
let redis: TestRedis;
let zmqAddress: string;
const children: ChildProcess[] = [];

beforeAll(async () => {
  redis = await startRedis({ port: true });
  zmqAddress = `tcp://127.0.0.1:${await freePort()}`;
  const sources = ["--zmq-bind", zmqAddress, "--source-redis-url", redis.url, "--pattern", "laravel_database_*"];
  up = await startUp({ nodes: 2, args: sources });
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});
afterAll(async () => {
  await up?.stop();
  await redis?.stop();
});

function environment(): NodeJS.ProcessEnv {
  return { ...process.env, FANFARE_URL: up.publicUrl, FANFARE_ADMIN_URL: up.adminUrl, FANFARE_ADMIN_KEY: up.adminKey };
}

/** Starts an example that goes on for ever; what it prints can be waited for. */
function start(program: string, file: string, ...args: string[]): { says(text: string): Promise<void> } {
  const child = spawn(program, [`docs/examples/${file}`, ...args], { cwd: root, env: environment() });
  children.push(child);
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (text: Buffer) => {
      printed += text;
    });
  }
  return {
    says: (text) => until(() => (printed.includes(text) ? undefined : `${file} has not said ${text}:\n${printed}`), 15_000),
  };
}

/** Runs an example to its end. */
async function run(program: string, file: string, ...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(program, [`docs/examples/${file}`, ...args], { cwd: root, env: environment() });
  return stdout;
}

test("seed-websocket-broadcast: a client by ?channel= is answered, and hears curl and fanfare publish", async () => {
  const client = start("node", "seed-websocket-broadcast/client.mjs");
  await client.says("the server answered: are you there?");
  const printed = await run("sh", "seed-websocket-broadcast/broadcast.sh");
  await client.says("public:lobby #1: hello by curl");
  await client.says("public:lobby #2: hello by fanfare publish");
  const registered = JSON.parse(printed.trim().split("\n").at(-1) ?? "").items;
  expect(registered).toMatchObject([{ transport: "websocket", channels: ["public:lobby"] }]);
  await client.says(`connected as ${registered[0].id} to public:lobby`);
});

test("seed-live-chart: the Python producer's points arrive in the channel zmq", async () => {
  start(python, "seed-live-chart/producer.py", zmqAddress);
  const client = start("node", "node-client/client.mjs", "zmq", "message");
  await client.says('{"x":30,"y":');
});

test("node-client and python-client print the demo's points", async () => {
  const clients = [start("node", "node-client/client.mjs"), start(python, "python-client/client.py")];
  await clients[0]?.says('{"x":');
  await clients[1]?.says("{'x': ");
});

test("laravel-redis: an application's broadcast arrives under its event", async () => {
  const client = start("node", "node-client/client.mjs", "public:orders", "App\\Events\\OrderShipped");
  await client.says("connected");
  await until(async () => {
    await run("sh", "laravel-redis/broadcast.sh", "-p", new URL(redis.url).port);
    return client.says('{"order":42}').then(
      () => undefined,
      (error: Error) => error.message,
    );
  }, 40_000);
});

test("cron-curl: a run that is repeated within the minute is stored once", async () => {
  const publish = async () => JSON.parse(await run("sh", "cron-curl/publish.sh")) as { offset: number; duplicate: boolean };
  const minute = () => new Date().toISOString().slice(0, 16);
  const before = minute();
  const first = await publish();
  expect(first).toMatchObject({ channel: "demo:load", offset: 1, duplicate: false });
  // The load may have changed meanwhile: then the id of the minute is refused for the other value, and not stored either.
  const again = await publish().catch((error: Error) => error.message);
  if (minute() !== before) return;
  if (typeof again === "string") expect(again).toContain("409");
  else expect(again).toEqual({ ...first, duplicate: true });
});

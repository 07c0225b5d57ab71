import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { aptInstall, onPath } from "./apt.mjs";
import { run } from "./run.mjs";

/**
 * A Redis for the tests, found by the same code that `fanfare up` uses. Run after the build.
 *
 * @param {string} root
 * @param {(text: string) => void} note
 */
export async function redisServer(root, note) {
  const { findRedisServer } = await import(pathToFileURL(join(root, "packages", "redis-server", "dist", "index.js")).href);
  const steps = /** @type {string[]} */ ([]);
  const onStep = (/** @type {string} */ text) => {
    steps.push(text);
    note(text);
  };
  const binary = await findRedisServer({ onStep });
  if (binary === undefined) return { ok: false, output: steps.join("\n") };
  return { ok: true, note: `${binary.version}, ${binary.from === "path" ? "on PATH" : `${binary.from}`}` };
}

/** Names of Chromium that the browser tests look for on PATH, see docs/TESTING.md. */
const browsers = ["chromium", "chromium-headless-shell", "google-chrome"];

/** A Chromium for the browser tests: the headless one is half the size and enough for them. */
export async function chromium() {
  return provide(browsers, "chromium-headless-shell");
}

/** RabbitMQ, for the tests of ingestion: each starts one of its own, never the system's service. */
export async function rabbitmq() {
  return provide(["rabbitmq-server"], "rabbitmq-server");
}

/** Python producers and clients, as people write them, for the tests of ingestion and of the cluster. */
export async function pythonPrograms() {
  const modules = {
    zmq: "python3-zmq",
    pika: "python3-pika",
    socketio: "python3-socketio",
    // python-socketio's client takes these for polling and for websocket.
    requests: "python3-requests",
    websocket: "python3-websocket",
    // And its asyncio client this one.
    aiohttp: "python3-aiohttp",
  };
  const missing = async () => {
    const found = await Promise.all(Object.keys(modules).map((name) => run("/usr/bin/python3", ["-c", `import ${name}`])));
    return Object.values(modules).filter((_, index) => !found[index]?.ok);
  };
  let output = "";
  const before = await missing();
  for (const name of before) output += (await aptInstall(name)).output;
  const left = before.length === 0 ? [] : await missing();
  if (left.length > 0) return { ok: false, output: output || `${left.join(", ")} cannot be imported by /usr/bin/python3.` };
  return { ok: true, note: before.length === 0 ? Object.values(modules).join(", ") : `installed ${before.join(", ")}` };
}

/** HAProxy and nginx, for the tests of infra/: each starts one of its own, never the system's service. */
export async function balancers() {
  const each = [
    await provide(["haproxy"], "haproxy", systemFolders),
    // Its smallest flavour; all of them install the same name.
    await provide(["nginx"], "nginx-light", systemFolders),
  ];
  const said = (/** @type {"note" | "output"} */ field) => each.flatMap((one) => one[field] ?? []).join(", ");
  return { ok: each.every(({ ok }) => ok), output: said("output"), note: said("note") };
}

/** Prometheus, and promtool which comes with it, for the alerts and the dashboard of infra/: tests start one of their own. */
export async function prometheus() {
  return provide(["prometheus"], "prometheus");
}

/** What people have at hand when they follow docs/examples. */
export async function shellPrograms() {
  // redis-tools is the client only; it starts no server.
  const each = [await provide(["curl"], "curl"), await provide(["redis-cli"], "redis-tools")];
  const said = (/** @type {"note" | "output"} */ field) => each.flatMap((one) => one[field] ?? []).join(", ");
  return { ok: each.every(({ ok }) => ok), output: said("output"), note: said("note") };
}

/** luacheck, for the Lua scripts of the broker. */
export async function luacheck() {
  return provide(["luacheck"], "lua-check");
}

/** Where the distribution puts servers; often only on root's PATH. */
const systemFolders = ["/usr/sbin", "/usr/local/sbin"];

/**
 * @param {readonly string[]} programs
 * @param {string} aptName
 * @param {readonly string[]} [folders] searched besides PATH
 * @returns {Promise<{ ok: boolean, note?: string, output?: string }>}
 */
async function provide(programs, aptName, folders = []) {
  const present = onPath(programs, folders);
  if (present !== undefined) return { ok: true, note: present };
  const installed = await aptInstall(aptName);
  const now = onPath(programs, folders);
  if (now !== undefined) return { ok: true, note: `installed ${aptName}` };
  return { ok: false, output: installed.output || `${aptName} was installed, but none of ${programs.join(", ")} is on PATH.` };
}

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  type FaultProxy,
  freePort,
  Rest,
  type ServerProcess,
  startFaultProxy,
  startServerProcess,
  until,
} from "@fanfare/test-support";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";

// The programs of docs/CLIENTS.md as they stand there, run against a server whose network is cut.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 30_000 });

const here = fileURLToPath(new URL("..", import.meta.url));
/** Debian's own, where python3-socketio is installed. */
const python = "/usr/bin/python3";
const hasPython = spawnSync(python, ["-c", "import socketio, aiohttp"]).status === 0;

let folder: string;
let server: ServerProcess;
let rest: Rest;
let proxy: FaultProxy;
let program: ChildProcess | undefined;
let output = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "fanfare-cookbook-"));
  const rules = { namespaces: { public: { subscribe: "anyone" } } };
  await writeFile(join(folder, "rules.json"), JSON.stringify(rules));
  const [port, adminPort] = [await freePort(), await freePort()];
  server = await startServerProcess({
    label: "serve",
    command: "serve",
    cwd: folder,
    env: {
      FANFARE_RULES: "rules.json",
      FANFARE_ADMIN_KEYS: "test:secret",
      FANFARE_HOST: "127.0.0.1",
      FANFARE_PORT: String(port),
      FANFARE_ADMIN_PORT: String(adminPort),
      FANFARE_PEER_PORT: "0",
    },
  });
  rest = new Rest(`http://127.0.0.1:${adminPort}`, "secret");
  proxy = await startFaultProxy({ target: { port } });
});

afterEach(() => {
  program?.kill("SIGKILL");
  output = "";
});

afterAll(async () => {
  rest.close();
  await proxy.close();
  await server.end();
  await rm(folder, { recursive: true, force: true });
});

/** Starts the code block of this language and name. */
async function run(language: "js" | "python", name: string): Promise<void> {
  const cookbook = await readFile(new URL("../../../docs/CLIENTS.md", import.meta.url), "utf8");
  const code = new RegExp(`^\`\`\`${language} ${name}\\n(.*?)^\`\`\`$`, "ms").exec(cookbook)?.[1];
  expect(code).toContain("http://localhost:8000");
  const args = language === "js" ? [process.execPath, "--input-type=module"] : [python, "-"];
  // In this package's folder, where Node finds what the program imports.
  program = spawn(args[0] ?? "", args.slice(1), { cwd: here, stdio: "pipe" });
  for (const stream of [program.stdout, program.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  program.stdin?.end(code?.replace("http://localhost:8000", proxy.url));
}

/** Publishes `n1:` to `n9:`, say. */
const publish = async (from: number, to: number) => {
  const items = numbers(from, to).map((data) => ({ channel: "public:news", data }));
  expect((await rest.call("POST", "/v1/publish/batch", { items })).status).toBe(200);
};
const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => `n${from + index}:`);
const says = (text: string) => until(() => (output.includes(text) ? undefined : `it has not said ${text}:\n${output}`), 20_000);

const programs = [
  ["stock socket.io-client", "js", "recovered"],
  ["@fanfare/client", "js", "channel"],
  ...(hasPython ? [["python-socketio", "python", "since"] as const] : []),
] as const;

test.each(programs)("the program for %s loses nothing while its network is cut", async (_, language, name) => {
  await run(language, name);
  await says("ready");
  await publish(1, 1);
  await says("n1:");
  proxy.become("refuse");
  // Many, so that a client which handles them side by side is found out.
  await publish(2, 300);
  proxy.become("pass");
  await says("n300:");
  await publish(301, 400);
  await says("n400:");
  expect(output.match(/\bn\d+:/g)).toEqual(numbers(1, 400));
  expect(output).not.toMatch(/: reload|^reload/m);
});

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort, startUp, type Up, until } from "@fanfare/test-support";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { allPages, type Block, root } from "../pages.ts";

// What a reader would do who types every block of a page, from its top to its end, beside a running `fanfare up`.

let up: Up;
let folder: string;
let environment: NodeJS.ProcessEnv;
let printed = "";
const running: ChildProcess[] = [];

beforeAll(async () => {
  up = await startUp({ nodes: 2 });
});
beforeEach(async () => {
  // One folder a page, inside the repository, where Node finds what the programs import.
  await mkdir(join(root, ".cache"), { recursive: true });
  folder = await mkdtemp(join(root, ".cache", "docs-run-"));
  printed = "";
  environment = {
    ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("FANFARE_"))),
    NO_COLOR: "1",
    PATH: `${join(root, "node_modules", ".bin")}:${process.env.PATH}`,
    KEY: up.adminKey,
    FANFARE_URL: up.publicUrl,
    FANFARE_ADMIN_URL: up.adminUrl,
  };
});
afterEach(async () => {
  await Promise.all(running.splice(0).map(end));
  await rm(folder, { recursive: true, force: true });
});
afterAll(() => up?.stop());

test("README.md: what is published and listened to there works as it stands", async () => {
  await follow("README.md");
  await says(/^\d+ \d+ -?[\d.]+$/m);
});

test("docs/GETTING-STARTED.md: every step does what the page says", async () => {
  await follow("docs/GETTING-STARTED.md");
});

test.each(["docs/MIGRATE-PUSHER.md", "docs/MIGRATE-CENTRIFUGO.md"])(
  "%s: its way to publish is answered with a position",
  async (page) => {
    environment.FANFARE_ADMIN_KEY = up.adminKey;
    await follow(page, ["sh"]);
    await says(/"offset":1,"duplicate":false/);
  },
);

/** Does what the blocks of a page say, one after another. */
async function follow(path: string, languages: readonly string[] = ["sh", "js", "json", "text"]): Promise<void> {
  const blocks = allPages().find((one) => one.path === path)?.blocks ?? [];
  const wanted = blocks.filter(({ language }) => languages.includes(language));
  expect(wanted.length).toBeGreaterThan(0);
  for (const block of wanted) await act(block);
}

async function act(block: Block): Promise<void> {
  const { language, name, place } = block;
  if (language === "json") await writeFile(join(folder, name), block.code);
  else if (language === "text") await prints(block);
  else if (language === "js") {
    const file = join(folder, `program-${running.length}.mjs`);
    await writeFile(file, here(block.code));
    start(process.execPath, [file]);
  } else if (name === "stays") {
    if (block.code.includes("fanfare serve")) environment = { ...environment, ...(await ownPorts()) };
    const from = printed.length;
    start("bash", ["-euc", script(block.code)]);
    await until(
      () => (/"msg":"ready"|connected/.test(printed.slice(from)) ? undefined : `${place} does not serve:\n${printed}`),
      20_000,
    );
  } else {
    const [code] = (await once(start("bash", ["-euc", script(block.code)]), "exit")) as [number | null];
    expect(code, `${place} failed:\n${printed}`).toBe(0);
  }
}

/** Each line of the block has to be among what was printed; … stands for anything. */
async function prints({ code, place }: Block): Promise<void> {
  for (const line of code.split("\n")) {
    const pattern = line.split("…").map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    await says(new RegExp(`^${pattern.join(".*")}$`, "m"), place);
  }
}

function says(pattern: RegExp, place = ""): Promise<void> {
  return until(() => (pattern.test(printed) ? undefined : `${place} nothing has printed ${pattern}:\n${printed}`), 15_000);
}

/** What a shell would still know of the block before: its exports. */
function script(code: string): string {
  const saved = join(folder, "exports");
  const own = ["FANFARE_URL", "FANFARE_ADMIN_URL", "FANFARE_HOST", "FANFARE_PORT", "FANFARE_ADMIN_PORT", "FANFARE_PEER_PORT"];
  const kept = own.flatMap((name) => (environment[name] === undefined ? [] : [`export ${name}='${environment[name]}'`]));
  return [`if [ -f '${saved}' ]; then . '${saved}'; fi`, ...kept, here(code), `export -p > '${saved}'`].join("\n");
}

/** The page's addresses are those of a cluster on the usual ports. */
function here(code: string): string {
  return code
    .replaceAll("http://127.0.0.1:8000", environment.FANFARE_URL ?? "")
    .replaceAll("http://127.0.0.1:9000", environment.FANFARE_ADMIN_URL ?? "");
}

async function ownPorts(): Promise<NodeJS.ProcessEnv> {
  const [port, adminPort] = [await freePort(), await freePort()];
  return {
    FANFARE_HOST: "127.0.0.1",
    FANFARE_PORT: String(port),
    FANFARE_ADMIN_PORT: String(adminPort),
    FANFARE_PEER_PORT: "0",
    FANFARE_URL: `http://127.0.0.1:${port}`,
    FANFARE_ADMIN_URL: `http://127.0.0.1:${adminPort}`,
  };
}

function start(command: string, args: readonly string[]): ChildProcess {
  // A group of its own, so that what a shell has started ends with it.
  const child = spawn(command, args, { cwd: folder, env: environment, detached: true });
  running.push(child);
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => {
      printed += text;
    });
  }
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  process.kill(-child.pid, "SIGKILL");
  await ended;
}

import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { endWithUs } from "@fanfare/redis-server";
import { freePort, type GatewayProcess, until } from "@fanfare/test-support";

export type ConfigFile = "haproxy/haproxy.cfg" | "haproxy/haproxy-sticky.cfg" | "nginx/nginx.conf" | "nginx/nginx-sticky.conf";

/** HAProxy or nginx as it comes from the distribution, with a configuration of infra/. */
export interface RealBalancer {
  readonly url: string;
  /** Puts these nodes into the configuration and has the program read it again, as an operator does after a deploy. */
  reload(nodes: readonly Upstream[]): Promise<void>;
  /** What it printed. */
  log(): string;
  stop(): Promise<void>;
}

type Upstream = Pick<GatewayProcess, "port" | "peerPort">;

interface Places {
  readonly dir: string;
  readonly port: number;
  readonly nodes: readonly Upstream[];
}

/** Names and places in the configurations that are other ones here. */
const ours = {
  haproxy: ({ port, nodes }: Places, sticky: boolean): [string, string][] => [
    ["bind :8000", `bind 127.0.0.1:${port}`],
    ["user haproxy", `user ${userInfo().username}`],
    // The group comes with the user; another one only root may choose.
    ["  group haproxy\n", ""],
    ...nodes.flatMap(({ port: to, peerPort }, at): [string, string][] => [
      [`fanfare-${at + 1}:8000 check port 8100`, `127.0.0.1:${to} check port ${peerPort}`],
      ...(sticky ? [] : [[`fanfare-${at + 1}:8000`, `127.0.0.1:${to}`] as [string, string]]),
    ]),
  ],
  nginx: ({ dir, port, nodes }: Places): [string, string][] => [
    ["listen 8000", `listen 127.0.0.1:${port}`],
    ["user www-data", `user ${userInfo().username}`],
    ["/run/nginx.pid", join(dir, "pid")],
    ["worker_processes auto", "worker_processes 2"],
    // More than everybody may have.
    ["worker_rlimit_nofile 65536;", ""],
    [
      "http {\n",
      `http {\n${["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((of) => `${of}_temp_path ${dir}/${of};\n`).join("")}`,
    ],
    ...nodes.map(({ port: to }, at): [string, string] => [`fanfare-${at + 1}:8000`, `127.0.0.1:${to}`]),
  ],
};

/**
 * Starts the program the configuration is for, in front of up to three nodes, and resolves when it accepts connections.
 * `planted` are mistakes to make in the configuration.
 */
export async function startRealBalancer(
  file: ConfigFile,
  nodes: readonly Upstream[],
  planted: readonly [from: string, to: string][] = [],
): Promise<RealBalancer> {
  const name = file.startsWith("haproxy") ? "haproxy" : "nginx";
  const program = found(name);
  const dir = await mkdtemp(join(tmpdir(), `fanfare-${name}-`));
  // nginx started by root gives its workers' folders to a user that must get there.
  await chmod(dir, 0o755);
  const port = await freePort();
  const config = join(dir, name);
  const write = async (to: readonly Upstream[]): Promise<void> => {
    const places = { dir, port, nodes: to };
    const text = await readFile(fileURLToPath(new URL(`../../infra/${file}`, import.meta.url)), "utf8");
    const changes = name === "haproxy" ? ours.haproxy(places, file.includes("sticky")) : ours.nginx(places);
    await writeFile(config, changed(changed(text, planted), changes));
  };
  await write(nodes);
  const args = { haproxy: ["-W", "-f", config], nginx: ["-p", dir, "-c", config, "-e", "stderr", "-g", "daemon off;"] }[name];
  const child = spawn(program, args, { cwd: dir, stdio: ["ignore", "pipe", "pipe"] });
  endWithUs(child);
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (text: Buffer) => {
      printed += text;
    });
  }
  const accepting = async (): Promise<string | undefined> => {
    if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode}:\n${printed}`);
    return (await accepts(port)) ? undefined : `${name} accepts no connection:\n${printed}`;
  };
  try {
    await until(accepting);
  } catch (failure) {
    await end(child);
    throw failure;
  }
  return {
    url: `http://127.0.0.1:${port}`,
    async reload(to) {
      await write(to);
      const before = await workers(child);
      child.kill(name === "haproxy" ? "SIGUSR2" : "SIGHUP");
      // The new ones are there before the old ones are told to go.
      await until(async () => {
        const fresh = [...(await workers(child))].filter((pid) => !before.has(pid));
        return fresh.length > 0 ? accepting() : `no new worker:\n${printed}`;
      });
    },
    log: () => printed,
    async stop() {
      await end(child);
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** Where the distribution puts it is often only on root's PATH. */
function found(name: string): string {
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/usr/local/sbin"];
  const program = folders.map((folder) => join(folder, name)).find(isExecutable);
  if (program === undefined) throw new Error(`There is no ${name} on this machine: apt-get install ${name}`);
  return program;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** A configuration that has no such place any more would be tested for something else than it is. */
function changed(text: string, changes: readonly [from: string, to: string][]): string {
  return changes.reduce((result, [from, to]) => {
    if (!result.includes(from)) throw new Error(`the configuration has no ${JSON.stringify(from)}`);
    return result.replaceAll(from, to);
  }, text);
}

async function workers({ pid }: ChildProcess): Promise<Set<string>> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8");
  return new Set(children.split(" ").filter((one) => one !== ""));
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}

/** SIGTERM ends both with all of their workers, also those that a reload has left with websockets. */
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  await ended;
}

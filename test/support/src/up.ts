import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { until } from "./until.ts";

const cli = fileURLToPath(new URL("../../../apps/cli/dist/main.js", import.meta.url));

export interface UpOptions {
  readonly nodes: number;
  /** Further arguments of `fanfare up`. */
  readonly args?: readonly string[];
}

/** A cluster as `fanfare up` starts it: Redis, nodes, balancer, admin and the producer of `demo:sine`. */
export interface Up {
  /** Of the console, with a slash at its end. */
  readonly consoleUrl: string;
  /** Where Socket.IO clients go, as the console is told. */
  readonly publicUrl: string;
  readonly adminUrl: string;
  readonly adminKey: string | undefined;
  /** Everything the command has printed so far. */
  output(): string;
  /** Ends the cluster as Ctrl-C does, and fails when it does not end. */
  stop(): Promise<void>;
}

/** Starts a cluster on free ports and waits until it says where it is. Needs the built CLI. */
export async function startUp({ nodes, args = [] }: UpOptions): Promise<Up> {
  const command = [cli, "up", "--nodes", String(nodes), "--port", "0", "--admin-port", "0", ...args];
  const child = spawn(process.execPath, command, { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, NO_COLOR: "1" } });
  const abandon = () => child.kill("SIGTERM");
  process.once("exit", abandon);
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      printed += text;
    });
  }
  const find = (pattern: RegExp) => pattern.exec(printed)?.[1];

  async function stop(): Promise<void> {
    process.off("exit", abandon);
    await end(child, () => printed);
  }

  try {
    await until(() => {
      if (child.exitCode !== null) throw new Error(`fanfare up ended with ${child.exitCode}:\n${printed}`);
      return find(/(https?:\/\/\S+\/console\/)/) === undefined
        ? `fanfare up has not said where its console is:\n${printed}`
        : undefined;
    }, 60_000);
    const consoleUrl = find(/(https?:\/\/\S+\/console\/)/) ?? "";
    const { url } = (await (await fetch(new URL("config.json", consoleUrl))).json()) as { url: string | null };
    if (url === null) throw new Error("the admin of a cluster on free ports does not tell its console the public address");
    const adminKey = find(/Bearer ([^\s"']+)/);
    return { consoleUrl, publicUrl: url, adminUrl: new URL(consoleUrl).origin, adminKey, output: () => printed, stop };
  } catch (failure) {
    await stop();
    throw failure;
  }
}

async function end(child: ChildProcess, output: () => string): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGINT");
  const tooLong = setTimeout(() => child.kill("SIGKILL"), 20_000);
  const [, signal] = await ended;
  clearTimeout(tooLong);
  if (signal === "SIGKILL") throw new Error(`fanfare up did not end within 20 s of SIGINT:\n${output()}`);
}

import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { endWithUs } from "@fanfare/redis-server";

const cli = fileURLToPath(new URL("../../../apps/cli/bin/fanfare.mjs", import.meta.url));
const readyMs = 60_000;
/** Lines of a process that are kept to be shown when a test fails. */
const linesMax = 500;

export interface ServerProcessOptions {
  /** Such as `node 1`. */
  readonly label: string;
  /** The command of `fanfare` that it runs. */
  readonly command: "gateway" | "admin" | "serve" | "ingest";
  /** FANFARE_… settings; those of the test's own environment are not passed on. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
}

/** A Fanfare process as an operator starts it: through the CLI, settings by the environment. */
export interface ServerProcess {
  readonly label: string;
  readonly pid: number;
  /** The fields of its line `"msg":"ready"`. */
  readonly ready: Readonly<Record<string, unknown>>;
  readonly alive: boolean;
  /** How it ended, once it has: "exit 0", "SIGKILL". */
  readonly ended: Promise<string>;
  /** Its newest lines. */
  log(): readonly string[];
  signal(signal: NodeJS.Signals): void;
  /** Ends it, whatever state it is in, and resolves when it is gone. */
  end(): Promise<void>;
}

/** Starts a process and resolves when it serves. Rejects with its last words when it does not. */
export async function startServerProcess({ label, command, env, cwd }: ServerProcessOptions): Promise<ServerProcess> {
  const child = spawn(process.execPath, [cli, command], {
    cwd,
    env: { ...foreignEnvironment(), ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  endWithUs(child);
  const lines: string[] = [];
  const ended = new Promise<string>((resolve) => {
    child.once("exit", (code, signal) => resolve(signal ?? `exit ${code}`));
    child.once("error", (error) => resolve(error.message));
  });
  const outcome = await Promise.race([readyLine(child, lines), ended, timeout(readyMs)]);
  if (typeof outcome === "string") {
    child.kill("SIGKILL");
    throw new Error(`${label} did not start: ${outcome}\n${lines.join("\n")}`);
  }
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null;
  return {
    label,
    pid: child.pid ?? 0,
    ready: outcome,
    ended,
    get alive() {
      return !hasEnded();
    },
    log: () => lines,
    signal: (signal) => void child.kill(signal),
    async end() {
      if (hasEnded()) return;
      // SIGKILL also ends what a test has frozen. How a node says goodbye is a test of its own.
      child.kill("SIGKILL");
      await ended;
    },
  };
}

function readyLine(child: ChildProcess, lines: string[]): Promise<Record<string, unknown>> {
  return new Promise((resolve) => {
    for (const stream of [child.stdout, child.stderr]) {
      if (stream === null) continue;
      createInterface(stream).on("line", (line) => {
        lines.push(line);
        if (lines.length > linesMax) lines.shift();
        const fields = line.includes(`"msg":"ready"`) ? (JSON.parse(line) as Record<string, unknown>) : undefined;
        if (fields?.msg === "ready") resolve(fields);
      });
    }
  });
}

function timeout(ms: number): Promise<string> {
  return new Promise((resolve) => void setTimeout(() => resolve(`not ready after ${ms} ms`), ms).unref());
}

function foreignEnvironment(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) =>
      value === undefined || name.startsWith("FANFARE_") ? [] : [[name, value] as const],
    ),
  );
}

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";

export interface ChildOptions {
  /** For people, in what is said when it ends. */
  readonly label: string;
  /** What is run; Node when it is left out. */
  readonly program?: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly guard: (child: ChildProcess) => void;
  /** Called with each piece of its output. */
  readonly onOutput?: (text: string) => void;
  /** Whether it talks to us as a worker does. */
  readonly ipc: boolean;
  /** Between SIGTERM and SIGKILL. Most of what the bench starts has nothing to save. */
  readonly patienceMs?: number;
}

/** A process that the bench has started. */
export interface Child {
  readonly label: string;
  readonly pid: number;
  readonly process: ChildProcess;
  /** Rejects, with its last words, when it ends without having been told to. Never resolves. */
  readonly failed: Promise<never>;
  /** Ends it and resolves when it is gone. Idempotent. */
  stop(): Promise<void>;
}

/** Of what a process printed, what is told when it dies. */
const lastWordsLength = 2_000;
const defaultPatienceMs = 1_500;

export function startChild({
  label,
  program = process.execPath,
  args,
  env,
  cwd,
  guard,
  onOutput,
  ipc,
  patienceMs = defaultPatienceMs,
}: ChildOptions): Child {
  const child = spawn(program, [...args], {
    env,
    cwd,
    stdio: ["ignore", "pipe", "pipe", ...(ipc ? ["ipc" as const] : [])],
    // Detached: a Ctrl-C in the terminal is for the bench alone, which ends its children in order.
    detached: true,
  });
  guard(child);
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => {
      printed = `${printed}${text}`.slice(-lastWordsLength);
      onOutput?.(text);
    });
  }
  let stopping = false;
  const ended = new Promise<string>((resolve) => {
    child.once("close", (code, signal) => resolve(signal ?? `exit ${code}`));
    child.once("error", (error) => resolve(error.message));
  });
  const failed = ended.then((how) => {
    if (stopping) return new Promise<never>(() => {});
    throw new Error(`${label} ended by itself (${how}). Its last words:\n${printed.trim()}`);
  });
  // Whoever waits for something of this process races it with `failed`; between two such waits nobody listens.
  failed.catch(() => {});
  return {
    label,
    pid: child.pid ?? 0,
    process: child,
    failed,
    async stop() {
      stopping = true;
      child.kill("SIGTERM");
      const patience = new AbortController();
      const late = sleep(patienceMs, "late" as const, { signal: patience.signal }).catch(() => "early" as const);
      if ((await Promise.race([ended, late])) === "late") child.kill("SIGKILL");
      patience.abort();
      await ended;
    },
  };
}

/** Of util-linux, which every distribution installs. */
const affinityTool = "taskset";

/** Ties a process with all its threads to one core. Resolves with whether that was possible. */
export function pin(pid: number, core: number): Promise<boolean> {
  return new Promise((resolve) => {
    execFile(affinityTool, ["--all-tasks", "--cpu-list", "--pid", String(core), String(pid)], (error) => resolve(error === null));
  });
}

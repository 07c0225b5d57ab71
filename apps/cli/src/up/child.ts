import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { endWithUs } from "@fanfare/redis-server";
import { Failure } from "../failure.ts";
import { type LogLine, parseLogLine } from "./log-line.ts";

/** What a process says in its line `"msg":"ready"`. */
export interface Ready {
  readonly port: number;
  /** The name of a node; absent for other processes. */
  readonly node: string | undefined;
}

export interface ChildOptions {
  /** Such as `node 1`. */
  readonly label: string;
  /** The command of `fanfare` that it runs. */
  readonly command: string;
  /** Its whole environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly onReady: (ready: Ready) => void;
  readonly onDown: () => void;
  readonly onLine: (line: LogLine) => void;
  /** Told when it had to be started again, and when it is back. */
  readonly say: (text: string) => void;
}

const main = fileURLToPath(new URL("../main.js", import.meta.url));
/** How long a process may take to get ready. */
const readyMs = 20_000;
/** The pause before a restart grows from the first to the last while starts keep failing. */
const pauseMs = { first: 200, last: 5_000 };
/** A process that ran this long was well: the pause starts over. */
const wellAfterMs = 10_000;
/** Between SIGTERM, SIGTERM again ("now") and SIGKILL. */
const patienceMs = 2_000;

/** A process of the cluster that is started again when it ends without having been told to. */
export class Child {
  readonly #options: ChildOptions;
  #process: ChildProcess | undefined;
  #stopping = false;

  constructor(options: ChildOptions) {
    this.#options = options;
  }

  /** Resolves when it is ready. Rejects, with its last words, when the first start fails. */
  start(): Promise<Ready> {
    return this.#launch();
  }

  /** As if it had crashed: it is started again. */
  kill(): void {
    this.#process?.kill("SIGKILL");
  }

  /** Tells it to stop, ever more firmly, and resolves when it is gone. Idempotent. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const child = this.#process;
    if (child === undefined || hasEnded(child)) return;
    const ended = new Promise<"ended">((resolve) => child.once("exit", () => resolve("ended")));
    for (const signal of ["SIGTERM", "SIGTERM", "SIGKILL"] as const) {
      child.kill(signal);
      const patience = new AbortController();
      const outcome = await Promise.race([ended, sleep(patienceMs, "late" as const, { signal: patience.signal })]);
      patience.abort();
      if (outcome === "ended") return;
    }
    await ended;
  }

  async #launch(): Promise<Ready> {
    const { label, command, env, cwd, onReady, onDown } = this.#options;
    const started = performance.now();
    const child = spawn(process.execPath, [main, command], {
      env,
      cwd,
      stdio: ["ignore", "pipe", "pipe"],
      // Detached: a Ctrl-C in the terminal is for `up` alone, which ends its children in order.
      detached: true,
    });
    this.#process = child;
    endWithUs(child);
    const held: LogLine[] = [];
    const ready = new Promise<Ready>((resolve) => this.#read(child, held, resolve));
    const ended = new Promise<string>((resolve) => {
      child.once("exit", (code, signal) => resolve(signal ?? `exit ${code}`));
      child.once("error", (error) => resolve(error.message));
    });
    const late = new AbortController();
    const tooLate = sleep(readyMs, `not ready after ${readyMs / 1_000} s`, { signal: late.signal });
    const outcome = await Promise.race([ready, ended, tooLate]).finally(() => late.abort());
    if (typeof outcome === "string") {
      child.kill("SIGKILL");
      throw new Failure(`${label} did not start (${outcome}).`, {
        errors: held.map(({ text }) => ({ path: "", message: text })),
      });
    }
    onReady(outcome);
    void ended.then((how) => {
      onDown();
      if (!this.#stopping) void this.#restart(how, performance.now() - started > wellAfterMs);
    });
    return outcome;
  }

  async #restart(how: string, wasWell: boolean): Promise<void> {
    const { label, say } = this.#options;
    say(`${label} ended (${how}): starting it again`);
    const started = performance.now();
    for (let pause = wasWell ? 0 : pauseMs.first; !this.#stopping; pause = Math.min(pauseMs.last, pause * 2 || pauseMs.first)) {
      await sleep(pause);
      if (this.#stopping) return;
      try {
        await this.#launch();
        say(`${label} is back after ${((performance.now() - started) / 1_000).toFixed(1)} s`);
        return;
      } catch (error) {
        if (!this.#stopping) say(error instanceof Error ? error.message : String(error));
      }
    }
  }

  /** Until the child is ready its lines are held back: should it fail, they are the reason, and are told as that. */
  #read(child: ChildProcess, held: LogLine[], onReady: (ready: Ready) => void): void {
    let isReady = false;
    for (const stream of [child.stdout, child.stderr]) {
      if (stream === null) continue;
      createInterface(stream).on("line", (text) => {
        const line = parseLogLine(text);
        const ready = readyIn(line);
        if (isReady) this.#options.onLine(line);
        else if (ready === undefined) held.push(line);
        else {
          isReady = true;
          for (const earlier of held.splice(0)) this.#options.onLine(earlier);
          this.#options.onLine(line);
          onReady(ready);
        }
      });
    }
  }
}

function readyIn({ msg, fields }: LogLine): Ready | undefined {
  const { port, node } = fields;
  if (msg !== "ready" || typeof port !== "number") return undefined;
  return { port, node: typeof node === "string" ? node : undefined };
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

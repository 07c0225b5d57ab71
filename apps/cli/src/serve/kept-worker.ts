import { type ChildProcess, fork } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Settings } from "@fanfare/config";
import type { Log } from "@fanfare/telemetry";
import { Failure } from "../failure.ts";
import { childEnvironment } from "../up/child-settings.ts";
import { restartPauseMs } from "./restart-pause.ts";
import type { FromWorker, Role, WorkerReady } from "./wire.ts";

export interface KeptWorkerOptions {
  /** Such as `node 1`. */
  readonly label: string;
  readonly role: Role;
  readonly settings: Settings;
  readonly log: Log;
  /** Told whenever it serves, also when it does again. */
  readonly onReady?: (child: ChildProcess) => void;
}

const path = fileURLToPath(new URL("./worker.js", import.meta.url));
/** How long a worker may take until it serves. */
const readyMs = 30_000;
/**
 * From a drained worker's end to its replacement: about as long as its last clients need to be back on the others. Starting
 * a process takes a core for the better part of a second, which they would otherwise wait for.
 */
const settleMs = 1_500;

/** One worker, which is started again whenever it ends without having been told to by {@link KeptWorker.stop}. */
export class KeptWorker {
  readonly #options: KeptWorkerOptions;
  #child: ChildProcess | undefined;
  #stopping = false;

  constructor(options: KeptWorkerOptions) {
    this.#options = options;
  }

  /** Resolves when it serves. Rejects when the first start fails. */
  start(): Promise<WorkerReady> {
    return this.#launch();
  }

  /** Tells it to drain. Resolves when it is gone: true when it went by itself, false when it had to be killed. Idempotent. */
  async stop(withinMs: number): Promise<boolean> {
    this.#stopping = true;
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return true;
    const gone = new Promise<"gone">((resolve) => child.once("exit", () => resolve("gone")));
    const patience = new AbortController();
    child.kill("SIGTERM");
    const outcome = await Promise.race([gone, sleep(withinMs, "late" as const, { signal: patience.signal })]);
    patience.abort();
    if (outcome === "gone") return true;
    child.kill("SIGKILL");
    await gone;
    return false;
  }

  async #launch(): Promise<WorkerReady> {
    const { label, role, settings, onReady } = this.#options;
    if (this.#stopping) throw new Failure(`${label} was told to stop before it served.`);
    const startedMs = performance.now();
    const child = fork(path, [role], { env: childEnvironment(settings) });
    this.#child = child;
    return new Promise((resolve, reject) => {
      let isReady = false;
      const tooLate = setTimeout(() => child.kill("SIGKILL"), readyMs);
      child.on("message", (message: FromWorker) => {
        if (message.kind !== "ready") return;
        isReady = true;
        clearTimeout(tooLate);
        onReady?.(child);
        resolve(message.ready);
      });
      child.once("error", reject);
      child.once("exit", (code, signal) => {
        clearTimeout(tooLate);
        const how = signal ?? `exit ${code}`;
        // What went wrong it has said itself, on stderr.
        if (!isReady) reject(new Failure(`${label} did not start (${how}).`, { exitCode: code === 2 ? 2 : 1 }));
        else if (!this.#stopping) void this.#again(how, performance.now() - startedMs);
      });
    });
  }

  async #again(how: string, ranMs: number): Promise<void> {
    const { label: worker, log } = this.#options;
    let pauseMs = 0;
    let lastedMs = ranMs;
    // It goes by itself when an operator drains it.
    const isDrained = how === "exit 0";
    log[isDrained ? "info" : "warn"]({ worker, how }, "worker ended: starting it again");
    if (isDrained) await sleep(settleMs);
    for (;;) {
      pauseMs = restartPauseMs(pauseMs, lastedMs);
      await sleep(pauseMs);
      if (this.#stopping) return;
      const startedMs = performance.now();
      try {
        const { role: _, ...ready } = await this.#launch();
        log.info({ worker, ...ready }, "worker serves again");
        return;
      } catch (error) {
        if (this.#stopping) return;
        lastedMs = performance.now() - startedMs;
        log.warn({ worker, reason: error instanceof Error ? error.message : String(error) }, "worker not started");
      }
    }
  }
}

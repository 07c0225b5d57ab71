import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { BenchHost, BenchRedis } from "../host.ts";
import type { SwarmDuties } from "../workers/swarm.ts";
import { type Child, pin, startChild } from "./child.ts";
import { type BenchRabbit, startRabbit } from "./rabbit.ts";
import { type Duties, type Worker, workerIn } from "./worker.ts";

/** The ports of the line `"msg":"ready"`. */
export interface Served {
  readonly pid: number;
  readonly port: number;
}

/** What a command of `fanfare` says of itself when it is ready; which ports depends on the command. */
export interface Ready extends Served {
  readonly peerPort?: number;
}

/** Subscribers in a process of their own. */
export interface Swarm {
  readonly worker: Worker<SwarmDuties>;
  /** The process whose main thread reads: it may be a child of the worker. */
  readonly reader: number;
}

const readyMs = 20_000;
/** By number, as taskset counts them. */
const cores = { subject: 0, others: 1 } as const;

/** All processes of one scenario, in a folder of their own. What is started here is ended by `end`. */
export class Stage {
  readonly #host: BenchHost;
  readonly #dir: string;
  readonly #ends: (() => Promise<void>)[] = [];
  readonly #pids: number[] = [process.pid];
  #redisCount = 0;
  #ended: Promise<void> | undefined;

  private constructor(host: BenchHost, dir: string) {
    this.#host = host;
    this.#dir = dir;
  }

  static async open(host: BenchHost): Promise<Stage> {
    return new Stage(host, await mkdtemp(join(tmpdir(), "fanfare-bench-")));
  }

  get dir(): string {
    return this.#dir;
  }

  /** This process and all that it started. */
  get pids(): readonly number[] {
    return this.#pids;
  }

  async redis(): Promise<BenchRedis> {
    this.#host.signal.throwIfAborted();
    this.#redisCount += 1;
    const redis = await this.#host.startRedis(await mkdtemp(join(this.#dir, `redis-${this.#redisCount}-`)));
    this.#ends.push(() => redis.stop());
    this.#pids.push(redis.pid);
    return redis;
  }

  /** Undefined where no RabbitMQ is installed. */
  async rabbit(): Promise<BenchRabbit | undefined> {
    this.#host.signal.throwIfAborted();
    const dir = await mkdtemp(join(this.#dir, "rabbit-"));
    const rabbit = await startRabbit(dir, (started) => this.#host.guard(started));
    if (rabbit === undefined) return undefined;
    this.#ends.push(() => rabbit.stop());
    this.#pids.push(...rabbit.pids);
    return rabbit;
  }

  /** Runs a command of `fanfare` with exactly these settings. Resolves when it says that it is ready. */
  async fanfare(command: "gateway" | "admin" | "ingest", settings: Readonly<Record<string, string>>): Promise<Ready> {
    const what = { label: `fanfare ${command}`, args: [this.#host.fanfare, command], env: settings, ipc: false };
    return this.#serving(what, (printed) => {
      const line = printed.split("\n").find((text) => text.includes('"msg":"ready"') && text.endsWith("}"));
      return line === undefined ? undefined : (JSON.parse(line) as Omit<Ready, "pid">);
    });
  }

  /** Starts the C floor, which writes `together` publications at once. Undefined where there is no compiler. */
  async floor(together: number): Promise<Served | undefined> {
    const { native } = this.#host;
    if (native === undefined) return undefined;
    const what = { label: "floor", program: native.floor, args: [String(together)], env: {}, ipc: false };
    return this.#serving(what, (printed) => {
      const port = /^port (\d+)\n/.exec(printed)?.[1];
      return port === undefined ? undefined : { port: Number(port) };
    });
  }

  /** A worker that opens subscribers, with the faster reader where that could be built. */
  async swarm(): Promise<Swarm> {
    const worker = this.worker<SwarmDuties>("swarm");
    const reader = await worker.ask("start", { program: this.#host.native?.ears });
    if (reader !== worker.pid) this.#pids.push(reader);
    return { worker, reader };
  }

  /** Starts a worker: `file` is a module of the folder workers. */
  worker<Does extends Duties>(file: string): Worker<Does> {
    const path = fileURLToPath(new URL(`../workers/${file}.js`, import.meta.url));
    return workerIn<Does>(this.#start({ label: file, args: [path], env: {}, ipc: true }));
  }

  /**
   * Gives the processes under test a core, for only one of them works at a time, and all others that were started another.
   * Resolves with a sentence for the report on whether that could be done.
   */
  async isolate(subjects: readonly number[]): Promise<string> {
    const started = this.#pids.filter((pid) => pid !== process.pid);
    const pinned =
      availableParallelism() >= 2 &&
      (await Promise.all(started.map((pid) => pin(pid, subjects.includes(pid) ? cores.subject : cores.others)))).every(Boolean);
    return pinned
      ? `Pinned: the measured process to core ${cores.subject}, all others to core ${cores.others}.`
      : "Not pinned to cores: that takes two cores and taskset.";
  }

  /** Ends everything, last started first, and resolves when nothing is left. Idempotent. */
  end(): Promise<void> {
    this.#ended ??= (async () => {
      for (const stop of this.#ends.reverse()) await stop();
      await rm(this.#dir, { recursive: true, force: true });
    })();
    return this.#ended;
  }

  /** Starts a server and resolves when `said` finds in its output what it is waited for. */
  async #serving<Found>(
    options: Omit<Parameters<typeof startChild>[0], "cwd" | "guard" | "onOutput">,
    said: (printed: string) => Found | undefined,
  ): Promise<Found & { readonly pid: number }> {
    let printed = "";
    let found: Found | undefined;
    const onOutput = (text: string): void => {
      if (found !== undefined) return;
      printed += text;
      found = said(printed);
    };
    const child = this.#start({ ...options, onOutput });
    const ready = async () => {
      for (const deadline = performance.now() + readyMs; performance.now() < deadline; await sleep(10)) {
        if (found !== undefined) return { ...found, pid: child.pid };
      }
      throw new Error(`${options.label} was not ready after ${readyMs / 1_000} s:\n${printed}`);
    };
    return Promise.race([ready(), child.failed]);
  }

  #start(options: Omit<Parameters<typeof startChild>[0], "cwd" | "guard">): Child {
    this.#host.signal.throwIfAborted();
    const env = { ...inheritedEnvironment(), ...options.env };
    const child = startChild({ ...options, env, cwd: this.#dir, guard: (started) => this.#host.guard(started) });
    this.#ends.push(() => child.stop());
    this.#pids.push(child.pid);
    return child;
  }
}

/** Without settings of Fanfare: what is measured must not depend on who runs the bench. */
function inheritedEnvironment(): Record<string, string> {
  const kept = Object.entries(process.env).flatMap(([name, value]) =>
    value === undefined || name.startsWith("FANFARE_") || name === "NODE_OPTIONS" ? [] : [[name, value] as const],
  );
  return { ...Object.fromEntries(kept), NODE_ENV: "production" };
}

import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { RedisServerBinary } from "./binary.ts";
import { endWithUs } from "./lifeline.ts";

export interface StartOptions {
  /** A unix socket to listen on, or a TCP port of 127.0.0.1. Exactly one of the two. */
  readonly socket?: string;
  readonly port?: number;
  /** The server's working folder: the socket and, when switched on by `args`, its files. */
  readonly dir: string;
  /** Further arguments, such as `--maxmemory 4mb`. They win over ours. */
  readonly args?: readonly string[];
}

/** A redis-server that is ours: it ends with this process. */
export interface RedisServer {
  /** `redis+unix:///path` or `redis://127.0.0.1:port`. */
  readonly url: string;
  readonly pid: number;
  /** How it ended, once it has: "exit 1", "SIGKILL". */
  readonly ended: Promise<string>;
  /** Ends it and resolves when it is gone. Idempotent. */
  stop(): Promise<void>;
}

/** How long a server gets to load nothing and listen. */
const readyMs = 10_000;

/** Starts a server that keeps everything in memory. Rejects, with the server's last words, when it does not get ready. */
export async function startRedisServer(binary: RedisServerBinary, options: StartOptions): Promise<RedisServer> {
  const { socket, port, dir } = options;
  if ((socket === undefined) === (port === undefined)) throw new Error("Give either a socket or a port.");
  const listen = socket === undefined ? ["--port", String(port), "--bind", "127.0.0.1"] : ["--port", "0", "--unixsocket", socket];
  const child = spawn(
    binary.path,
    [...listen, "--dir", dir, "--save", "", "--appendonly", "no", "--daemonize", "no", ...(options.args ?? [])],
    // Detached: a Ctrl-C in the terminal is for its starter, which ends it after those who use it.
    { env: { ...process.env, ...binary.env }, stdio: ["ignore", "pipe", "pipe"], detached: true },
  );
  const ended = new Promise<string>((resolve) => {
    child.once("exit", (code, signal) => resolve(signal ?? `exit ${code}`));
    child.once("error", (error) => resolve(error.message));
  });
  await ready(child, ended);
  endWithUs(child);
  letGo(child);
  return {
    url: socket === undefined ? `redis://127.0.0.1:${port}` : `redis+unix://${socket}`,
    pid: child.pid ?? 0,
    ended,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      // Whoever waits for the end must not have the process run dry meanwhile.
      child.ref();
      // There is nothing to save; SIGKILL also ends a server that a test has paused.
      child.kill("SIGKILL");
      await ended;
    },
  };
}

async function ready(child: ChildProcess, ended: Promise<string>): Promise<void> {
  const last: string[] = [];
  const saysReady = new Promise<"ready">((resolve) => {
    for (const stream of [child.stdout, child.stderr]) {
      if (stream === null) continue;
      createInterface(stream).on("line", (line) => {
        last.push(line);
        if (last.length > 5) last.shift();
        // Redis says "Ready to accept connections tcp", older ones "ready to accept".
        if (/ready to accept connections/i.test(line)) resolve("ready");
      });
    }
  });
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`not ready after ${readyMs} ms`), readyMs);
  });
  const outcome = await Promise.race([saysReady, ended, tooLate]);
  clearTimeout(timer);
  if (outcome === "ready") return;
  child.kill("SIGKILL");
  throw new Error(`redis-server: ${outcome}. ${last.join(" | ")}`);
}

/** From now on the server is no reason for this process to stay. Its output is still read, or its pipe would fill up. */
function letGo(child: ChildProcess): void {
  child.unref();
  for (const stream of [child.stdout, child.stderr]) {
    if (stream !== null && "unref" in stream && typeof stream.unref === "function") stream.unref();
  }
}

import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { until } from "@fanfare/test-support";

/** Debian's, which has python3-socketio; not one of a version manager that may stand before it on PATH. */
const python = "/usr/bin/python3";
const script = fileURLToPath(new URL("./python_client.py", import.meta.url));

export interface Said {
  readonly what: string;
  readonly [field: string]: unknown;
}

/** A stock python-socketio client in a process of its own. */
export class PythonClient {
  readonly said: Said[] = [];
  readonly #process: ChildProcess;
  #lastWords = "";

  constructor(url: string, transports: "polling" | "websocket" | "both", channel: string) {
    this.#process = spawn(python, [script, url, transports, channel], { stdio: ["ignore", "pipe", "pipe"] });
    const { stdout, stderr } = this.#process;
    if (stdout !== null) createInterface(stdout).on("line", (line) => this.said.push(JSON.parse(line) as Said));
    stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#lastWords = `${this.#lastWords}${text}`.slice(-2_000);
    });
    this.#process.once("error", ({ message }) => {
      this.#lastWords = message;
    });
  }

  all(what: string): Said[] {
    return this.said.filter((one) => one.what === what);
  }

  async says(what: string, count = 1, timeoutMs = 20_000): Promise<Said[]> {
    await until(() => {
      const heard = this.all(what);
      return heard.length >= count ? undefined : `${heard.length} of ${count} ${what}; ${this.#lastWords}`;
    }, timeoutMs);
    return this.all(what);
  }

  stop(): void {
    this.#process.kill("SIGKILL");
  }
}

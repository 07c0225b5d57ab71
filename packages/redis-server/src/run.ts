import { execFile } from "node:child_process";

export interface Ran {
  /** The exit code; -1 when the program could not be started or was ended by a signal. */
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

interface RunOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly cwd?: string;
}

/** Long enough for a package list over a slow line, short enough that nobody waits for ever. */
const timeoutMs = 180_000;

/** Runs a program to its end. Never rejects: how it ended is a value. */
export function run(program: string, args: readonly string[], options: RunOptions): Promise<Ran> {
  return new Promise((resolve) => {
    const settings = { ...options, encoding: "utf8", timeout: timeoutMs, maxBuffer: 16_777_216 } as const;
    execFile(program, args, settings, (error, out, err) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
      resolve({ code, out, err: err === "" && error !== null ? error.message : err });
    });
  });
}

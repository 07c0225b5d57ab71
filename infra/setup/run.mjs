import { spawn } from "node:child_process";

/**
 * Runs a program to its end with its output captured. Never rejects: how it ended is a value.
 *
 * @param {string} program
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv }} [options]
 * @returns {Promise<{ ok: boolean, output: string }>} `output` is both streams as they came.
 */
export function run(program, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { ...options, env: quiet(options.env), stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8");
      stream.on("data", (text) => {
        output += text;
      });
    }
    child.once("error", (error) => resolve({ ok: false, output: error.message }));
    child.once("close", (code) => resolve({ ok: code === 0, output }));
  });
}

/**
 * Runs a program on this terminal, hands signals on to it, and resolves with its exit code.
 *
 * @param {string} program
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv }} [options]
 * @returns {Promise<number>}
 */
export function runHere(program, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { ...options, env: quiet(options.env), stdio: "inherit" });
    // We stay until the child is gone: it decides how to end, and our exit code is its own.
    const signals = /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"]);
    const passOn = signals.map((signal) => /** @type {const} */ ([signal, () => child.kill(signal)]));
    for (const [signal, handler] of passOn) process.on(signal, handler);
    const done = (/** @type {number} */ code) => {
      for (const [signal, handler] of passOn) process.off(signal, handler);
      resolve(code);
    };
    child.once("error", (error) => {
      process.stderr.write(`${program}: ${error.message}\n`);
      done(1);
    });
    child.once("exit", (code) => done(code ?? 1));
  });
}

/** No telemetry and no "update available" from the tools we call. */
function quiet(env = process.env) {
  return { ...env, TURBO_TELEMETRY_DISABLED: "1", DO_NOT_TRACK: "1", TURBO_NO_UPDATE_NOTIFIER: "1", NO_UPDATE_NOTIFIER: "1" };
}

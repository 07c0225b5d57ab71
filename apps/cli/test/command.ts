import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { until } from "@fanfare/test-support";

const bin = fileURLToPath(new URL("../bin/fanfare.mjs", import.meta.url));

export interface CommandOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** A running `fanfare` command, built, with an environment that has no settings but those given. */
export class RunningCommand {
  readonly process: ChildProcess;
  out = "";
  err = "";
  readonly #ended: Promise<number | null>;

  constructor(args: readonly string[], { cwd, env = {} }: CommandOptions) {
    const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("FANFARE_"));
    this.process = spawn(process.execPath, [bin, ...args], { cwd, env: { ...Object.fromEntries(inherited), ...env } });
    this.process.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.out += text;
    });
    this.process.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.err += text;
    });
    this.#ended = new Promise((resolve) => this.process.once("close", resolve));
  }

  /** Waits until stdout or stderr has said this. */
  async says(pattern: RegExp, ms = 15_000): Promise<RegExpExecArray> {
    const match = () => pattern.exec(this.out) ?? pattern.exec(this.err);
    await until(() => {
      if (match() !== null) return undefined;
      return `${pattern} is not in\n${this.out}\n${this.err}`;
    }, ms);
    const found = match();
    if (found === null) throw new Error("unreachable: until has just seen it");
    return found;
  }

  /** The exit code. */
  ended(): Promise<number | null> {
    return this.#ended;
  }

  /** Tells it to stop, if it has not ended. */
  async stop(): Promise<number | null> {
    this.process.kill("SIGTERM");
    return this.#ended;
  }
}

/** Runs a command to its end. */
export async function fanfare(
  args: readonly string[],
  options: CommandOptions,
): Promise<{ code: number | null; out: string; err: string }> {
  const command = new RunningCommand(args, options);
  const code = await command.ended();
  return { code, out: command.out, err: command.err };
}

import { readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { adminCommand } from "./commands/admin.ts";
import { benchCommand } from "./commands/bench.ts";
import { checkCommand } from "./commands/check.ts";
import { completionCommand } from "./commands/completion.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { drainCommand } from "./commands/drain.ts";
import { gatewayCommand } from "./commands/gateway.ts";
import { ingestCommand } from "./commands/ingest.ts";
import { keyCommand } from "./commands/key.ts";
import { publishCommand } from "./commands/publish.ts";
import { serveCommand } from "./commands/serve.ts";
import { tailCommand } from "./commands/tail.ts";
import { tokenCommand } from "./commands/token.ts";
import { topCommand } from "./commands/top.ts";
import { upCommand } from "./commands/up.ts";
import { exitCodeOf, type FailureCode, failureText } from "./failure.ts";
import { helpWithoutSettings } from "./settings.ts";

const help = `
Settings come from flags, FANFARE_… in the environment, fanfare.config.json, and
defaults, in this order. \`fanfare <command> --help\` lists those of a command.

Exit codes: 0 when it did what it was asked to, 1 when it failed or found a
fault, 2 when the command line, the settings or the rules are wrong, 3 when it
published and could not read the receipt.`;

/** Every command of `fanfare`. */
export function createProgram(): Command {
  const program = new Command("fanfare")
    .description("Publish anywhere; every Socket.IO client on every node hears it.")
    .version(version(), "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .helpCommand(false)
    .addHelpText("after", help);
  const commands = [
    upCommand,
    gatewayCommand,
    adminCommand,
    serveCommand,
    ingestCommand,
    publishCommand,
    tailCommand,
    topCommand,
    drainCommand,
    tokenCommand,
    keyCommand,
    checkCommand,
    doctorCommand,
    benchCommand,
  ];
  for (const create of commands) program.addCommand(create());
  program.addCommand(completionCommand(program));
  for (const command of [program, ...program.commands]) {
    // Wide terminals would otherwise get lines that nobody likes to read.
    command.configureHelp({ helpWidth: 80, formatHelp: helpWithoutSettings }).exitOverride();
  }
  return program;
}

/**
 * Runs one command line and resolves with its exit code: 0, or a {@link FailureCode}. A
 * command that serves has then only started; the process stays for as long as it has something to do.
 */
export async function run(argv: readonly string[]): Promise<0 | FailureCode> {
  try {
    await createProgram().parseAsync([...argv], { from: "user" });
    return 0;
  } catch (error) {
    // Commander has said already what is wrong; its help and version end like this too.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    process.stderr.write(failureText(error));
    return exitCodeOf(error);
  }
}

function version(): string {
  const file: unknown = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  return typeof file === "object" && file !== null && "version" in file ? String(file.version) : "unknown";
}

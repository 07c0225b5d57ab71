import { Argument, Command } from "commander";
import { completionScript, type Shell, shells } from "../completion/scripts.ts";
import { wordsOf } from "../completion/words.ts";

/** Completes what `program` has when it is asked. */
export function completionCommand(program: Command): Command {
  return new Command("completion")
    .description("print what makes a shell complete fanfare's commands and flags; its first line says where to put it")
    .addArgument(new Argument("<shell>", "which one").choices(shells))
    .action((shell: Shell) => void process.stdout.write(completionScript(shell, wordsOf(program))));
}

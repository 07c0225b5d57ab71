import type { Command } from "commander";

/** What can be written, as a shell has to know it. */
export interface Words {
  readonly name: string;
  readonly about: string;
  readonly options: readonly OptionWords[];
  /** What the first argument can be, where that is a choice. */
  readonly choices: readonly string[];
}

interface OptionWords {
  /** With its dashes. */
  readonly flag: string;
  readonly about: string;
  readonly takesValue: boolean;
  readonly choices: readonly string[];
  readonly file: boolean;
}

/** Every command of a program, out of the same table that its help is made from. */
export function wordsOf(program: Command): Words[] {
  return program.commands.map((command) => ({
    name: command.name(),
    about: command.description(),
    options: command
      .createHelp()
      .visibleOptions(command)
      .map((option) => ({
        flag: option.long ?? option.short ?? "",
        about: option.description === "" ? `setting ${environmentName(option.long ?? "")}` : option.description,
        takesValue: option.required || option.optional,
        choices: option.argChoices ?? [],
        file: option.flags.includes("<file>") || option.flags.includes("<path>") || /-file$/.test(option.long ?? ""),
      })),
    choices: command.registeredArguments[0]?.argChoices ?? [],
  }));
}

/** Flags without a description of their own are settings. */
function environmentName(flag: string): string {
  return `FANFARE_${flag.replace(/^--/, "").replaceAll("-", "_").toUpperCase()}`;
}

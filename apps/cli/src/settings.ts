import {
  flagsOf,
  loadSettings,
  readSettingsFile,
  type SettingKey,
  type Settings,
  type SettingsFile,
  type SettingUser,
  settingsFileName,
  settingsHelp,
  settingsOf,
} from "@fanfare/config";
import { FanfareError } from "@fanfare/domain";
import { type Command, Help, Option } from "commander";

/** What a command line says about settings. */
export interface Given {
  readonly flags: Readonly<Record<string, unknown>>;
  readonly file: SettingsFile | undefined;
}

/**
 * Gives a command `--config` and a flag for every setting that means something to it. Its help lists them in their own
 * words, out of the table of settings.
 */
export function withSettings(command: Command, ...users: SettingUser[]): Command {
  const keys = keysOf(users);
  command.option("--config <path>", `settings in a file, by default ${settingsFileName} when there is one`);
  for (const flag of Object.keys(flagsOf(keys))) command.addOption(new Option(`--${flag} <value>`));
  return command.addHelpText("after", `\nSettings:\n${settingsHelp(keys)}`);
}

/**
 * Leaves the settings out of commander's list of options: they have a better one of their own. They are not hidden
 * options, because those are never suggested for a flag that was misspelled.
 */
export function helpWithoutSettings(command: Command, helper: Help): string {
  const visibleOptions = (one: Command) => helper.visibleOptions(one).filter(({ description }) => description !== "");
  return Help.prototype.formatHelp(command, Object.assign(Object.create(helper), { visibleOptions }));
}

/** The settings that a command runs with. Throws `SETTINGS_INVALID` with all mistakes at once. */
export function settingsFrom(command: Command): Settings {
  const { flags, file } = given(command);
  return loadSettings({ env: process.env, flags, file });
}

/** What the command line and the settings file say, not judged yet. Throws when a file was named that is not there. */
export function given(command: Command): Given {
  const options: Record<string, unknown> = command.opts();
  const names = Object.keys(flagsOf());
  const flags = Object.fromEntries(names.flatMap((flag) => (camel(flag) in options ? [[flag, options[camel(flag)]]] : [])));
  const { config } = options;
  if (typeof config !== "string") return { flags, file: readSettingsFile() };
  const file = readSettingsFile(config);
  if (file === undefined) {
    throw new FanfareError("SETTINGS_INVALID", {
      errors: [{ path: "--config", message: `names ${config}, which is not there` }],
    });
  }
  return { flags, file };
}

/** One setting as it was given, whatever is wrong with the others; undefined when it is not there or wrong itself. */
export function settingAlone<Key extends SettingKey>(key: Key, { flags, file }: Given): Settings[Key] | undefined {
  const flag = key.replace(/[A-Z]/g, (capital) => `-${capital.toLowerCase()}`);
  try {
    return loadSettings({
      env: only(process.env, environmentName(key), `${environmentName(key)}_FILE`),
      flags: only(flags, flag, `${flag}-file`),
      file: file && { ...file, text: JSON.stringify(only(JSON.parse(file.text) ?? {}, key, `${key}File`)) },
    })[key];
  } catch {
    return undefined;
  }
}

/** The environment variables that make another process run with these settings. */
export function environmentOf(
  settings: { readonly [Key in keyof Settings]?: Settings[Key] | undefined },
): Record<string, string> {
  const given = Object.entries(settings).filter(([, value]) => value !== undefined);
  return Object.fromEntries(
    given.map(([key, value]) => [environmentName(key), Array.isArray(value) ? value.join(",") : String(value)]),
  );
}

function environmentName(key: string): string {
  return `FANFARE_${key.replace(/[A-Z]/g, (capital) => `_${capital}`).toUpperCase()}`;
}

function only<Value>(record: Readonly<Record<string, Value>>, ...names: string[]): Record<string, Value> {
  return Object.fromEntries(Object.entries(record).filter(([name]) => names.includes(name)));
}

function keysOf(users: readonly SettingUser[]): SettingKey[] {
  return [...new Set(users.flatMap(settingsOf))];
}

/** The name that commander keeps a flag's value under. */
function camel(flag: string): string {
  return flag.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

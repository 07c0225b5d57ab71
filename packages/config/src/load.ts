import { readFileSync } from "node:fs";
import { FanfareError, type FieldError } from "@fanfare/domain";
import { crossChecks } from "./cross-checks.ts";
import { flagOf, nearest, settingRows } from "./names.ts";
import type { SettingKey, SettingRow, Settings } from "./settings.ts";
import type { SettingsFile } from "./settings-file.ts";
import { parseValue, type SettingValue } from "./value.ts";

export interface LoadOptions {
  /** The environment, usually `process.env`. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Flags in kebab case without dashes, as `util.parseArgs` gives them. */
  readonly flags?: Readonly<Record<string, unknown>> | undefined;
  /** Flags that are the command's own: passed over, and known when a name is suggested. */
  readonly commandFlags?: readonly string[] | undefined;
  /** `fanfare.config.json`, see readSettingsFile. */
  readonly file?: SettingsFile | undefined;
  /** Reads what a `…_FILE` name points to. */
  readonly readText?: ((path: string) => string) | undefined;
}

/** A place where settings are written: what is there, and how its names are spelled. */
interface Source {
  readonly given: ReadonlyMap<string, unknown>;
  readonly spell: (key: SettingKey, row: SettingRow) => string;
  /** The same for the name of the file that holds the value. */
  readonly spellFile: (key: SettingKey, row: SettingRow) => string;
  /** The name as a person writes it. */
  readonly shown: (name: string) => string;
  readonly alsoKnown?: readonly string[];
}

/**
 * Every setting, from the first that has it: flag, environment, file, default. The world is read through the arguments
 * only. Throws `SETTINGS_INVALID` with all mistakes at once.
 */
export function loadSettings(options: LoadOptions): Settings {
  const mistakes: FieldError[] = [];
  const sources = [flagSource(options), environmentSource(options), fileSource(options, mistakes)];
  for (const source of sources) mistakes.push(...unknownNames(source));

  const readText = options.readText ?? ((path) => readFileSync(path, "utf8"));
  const settings: Record<string, SettingValue> = {};
  /** How the person wrote the name of each setting that was given. */
  const writtenAs = new Map<SettingKey, string>();

  for (const [key, row] of settingRows) {
    // Every source is read, also those that another one overrides: a mistake in any is told.
    const found = sources.flatMap((source) => readFrom(source, key, row, readText, mistakes) ?? []);
    const first = found[0];
    if (first !== undefined) writtenAs.set(key, first.path);
    const value = first === undefined ? row.default : first.value;
    if (value !== undefined) settings[key] = value;
  }

  // Complete and checked row by row; only the mapped type cannot follow.
  const complete = settings as unknown as Settings;
  mistakes.push(...crossChecks(complete, (key) => writtenAs.get(key) ?? key));
  if (mistakes.length > 0) throw new FanfareError("SETTINGS_INVALID", { errors: mistakes });
  return Object.freeze(complete);
}

function flagSource({ flags = {}, commandFlags = [] }: LoadOptions): Source {
  return {
    given: given(flags),
    spell: (key) => flagOf(key),
    spellFile: (key) => `${flagOf(key)}-file`,
    shown: (name) => `--${name}`,
    alsoKnown: commandFlags,
  };
}

function environmentSource({ env }: LoadOptions): Source {
  return {
    given: new Map([...given(env)].filter(([name]) => name.startsWith("FANFARE_"))),
    spell: (_, row) => row.env,
    spellFile: (_, row) => `${row.env}_FILE`,
    shown: (name) => name,
  };
}

function fileSource({ file }: LoadOptions, mistakes: FieldError[]): Source {
  const contents: unknown = file === undefined ? {} : parseFile(file);
  const usable = typeof contents === "object" && contents !== null && !Array.isArray(contents);
  if (!usable) mistakes.push({ path: file?.path ?? "", message: "must be one JSON object of settings" });
  return {
    given: given(usable ? contents : {}),
    spell: (key) => key,
    spellFile: (key) => `${key}File`,
    shown: (name) => `${name} in ${file?.path ?? ""}`,
  };
}

/** What is written in a source. */
function given(record: object): Map<string, unknown> {
  return new Map(Object.entries(record).filter(([, value]) => value !== undefined));
}

function parseFile({ text }: SettingsFile): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function unknownNames({ given, spell, spellFile, shown, alsoKnown = [] }: Source): FieldError[] {
  const known = new Set(alsoKnown);
  for (const [key, row] of settingRows) {
    known.add(spell(key, row));
    if (row.fromFile) known.add(spellFile(key, row));
  }
  return [...given]
    .filter(([name, value]) => value !== "" && !known.has(name))
    .map(([name]) => name)
    .map((name) => {
      const meant = nearest(name, known);
      return { path: shown(name), message: `is not a setting${meant === undefined ? "" : `; did you mean ${shown(meant)}?`}` };
    });
}

/** The value that one source has for a setting; undefined when it has none or a wrong one. */
function readFrom(
  { given, spell, spellFile, shown }: Source,
  key: SettingKey,
  row: SettingRow,
  readText: (path: string) => string,
  mistakes: FieldError[],
): { readonly value: SettingValue; readonly path: string } | undefined {
  const name = spell(key, row);
  const fileName = spellFile(key, row);
  const direct = nonEmpty(given.get(name)) ?? (given.has(name) && "whenEmpty" in row ? row.whenEmpty : undefined);
  const filePath = row.fromFile ? nonEmpty(given.get(fileName)) : undefined;

  if (direct !== undefined && filePath !== undefined) {
    mistakes.push({ path: shown(name), message: `is also given by ${shown(fileName)}: keep one` });
    return undefined;
  }
  if (direct === undefined && filePath === undefined) return undefined;

  const path = shown(direct === undefined ? fileName : name);
  const written = direct ?? readSecret(filePath, readText);
  if (written === undefined) {
    mistakes.push({ path, message: "names a file that cannot be read or is empty" });
    return undefined;
  }
  const parsed = parseValue(row, written);
  if ("value" in parsed) return { value: parsed.value, path };
  mistakes.push({ path, message: parsed.wrong });
  return undefined;
}

/** An empty text is the usual way to say "not set" in shells and compose files. */
function nonEmpty(written: unknown): unknown {
  return written === "" ? undefined : written;
}

/** What the file holds, without the line break that editors and `echo` put at its end. */
function readSecret(path: unknown, readText: (path: string) => string): string | undefined {
  if (typeof path !== "string") return undefined;
  try {
    const text = readText(path).trim();
    return text === "" ? undefined : text;
  } catch {
    return undefined;
  }
}

import { readFileSync } from "node:fs";

/** The text of a settings file and where it stands. */
export interface SettingsFile {
  readonly path: string;
  readonly text: string;
}

/** Where settings are looked for, in the folder that the command was started in. */
export const settingsFileName = "fanfare.config.json";

/** Undefined when there is no such file; what is wrong inside is found by loadSettings. */
export function readSettingsFile(path: string = settingsFileName): SettingsFile | undefined {
  try {
    return { path, text: readFileSync(path, "utf8") };
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

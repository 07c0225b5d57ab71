import { settingRows } from "./names.ts";
import type { Settings } from "./settings.ts";

/** The settings as they may be shown to anybody: secrets are `set` or absent. */
export function printableSettings(settings: Settings): Record<string, string | number | readonly string[]> {
  return Object.fromEntries(
    settingRows.flatMap(([key, { secret }]) => {
      const value = settings[key];
      if (value === undefined || (secret && Array.isArray(value) && value.length === 0)) return [];
      return [[key, secret ? "set" : value]];
    }),
  );
}

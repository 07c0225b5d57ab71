import { accessSettings } from "./settings/access.ts";
import { adminSettings } from "./settings/admin.ts";
import { clientSettings } from "./settings/client.ts";
import { eventSettings } from "./settings/events.ts";
import { ingestSettings } from "./settings/ingest.ts";
import { limitSettings } from "./settings/limits.ts";
import { nodeSettings } from "./settings/node.ts";
import { presenceSettings } from "./settings/presence.ts";
import type { SettingRow } from "./settings/row.ts";
import { shedSettings } from "./settings/shed.ts";
import { tlsSettings } from "./settings/tls.ts";

export type { SettingRow, SettingUser } from "./settings/row.ts";

/** Every setting there is. The loader, `--help` and docs/SETTINGS.md are made from this table. */
export const settingsTable = {
  ...nodeSettings,
  ...adminSettings,
  ...accessSettings,
  ...presenceSettings,
  ...eventSettings,
  ...limitSettings,
  ...shedSettings,
  ...tlsSettings,
  ...ingestSettings,
  ...clientSettings,
} as const satisfies Record<string, SettingRow>;

type SettingsTable = typeof settingsTable;
export type SettingKey = keyof SettingsTable;

type ValueOf<Row extends SettingRow> = Row extends { readonly type: "integer" | "ms" | "bytes" }
  ? number
  : Row extends { readonly type: "list" }
    ? readonly string[]
    : Row extends { readonly type: "choice"; readonly choices: readonly (infer Choice)[] }
      ? Choice
      : string;

type Defaulted = { [Key in SettingKey]: SettingsTable[Key] extends { readonly default: unknown } ? Key : never }[SettingKey];

/** What a process runs with: checked, complete, read once. */
export type Settings = { readonly [Key in Defaulted]: ValueOf<SettingsTable[Key]> } & {
  readonly [Key in Exclude<SettingKey, Defaulted>]?: ValueOf<SettingsTable[Key]>;
};

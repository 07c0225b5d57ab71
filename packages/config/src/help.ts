import { flagOf, settingRows } from "./names.ts";
import type { SettingKey, SettingRow, SettingUser } from "./settings.ts";
import { defaultText } from "./value.ts";
import { wrapped } from "./wrapped.ts";

const columns = 80;

/** The rows with these keys, or all. */
function rowsOf(keys: readonly SettingKey[] | undefined) {
  return settingRows.filter(([key]) => keys?.includes(key) ?? true);
}

/** The settings that a command takes. */
export function settingsOf(user: SettingUser): SettingKey[] {
  return settingRows.filter(([, row]) => row.usedBy.includes(user)).map(([key]) => key);
}

/** The part of `--help` about settings, at most 80 columns wide. */
export function settingsHelp(keys?: readonly SettingKey[]): string {
  return rowsOf(keys)
    .map(([key, row]) => {
      const head = `  --${flagOf(key)} <${placeholder(row)}>`;
      const byDefault = defaultText(row);
      const tail = row.env + (byDefault === undefined ? "" : `, default ${byDefault}`);
      const oneLine = head.padEnd(34) + tail;
      const lines = head.length < 33 && oneLine.length <= columns ? [oneLine] : [head, `      ${tail}`];
      const file = row.fromFile ? ` Or a file that holds it: --${flagOf(key)}-file.` : "";
      return [...lines, ...wrapped(row.doc + file, columns - 6).map((line) => `      ${line}`)].join("\n");
    })
    .join("\n");
}

/** The flags for `util.parseArgs({ options })`; all take a text, which {@link loadSettings} reads. */
export function flagsOf(keys?: readonly SettingKey[]): Record<string, { type: "string" }> {
  return Object.fromEntries(
    rowsOf(keys).flatMap(([key, row]) => {
      const flag = flagOf(key);
      const names = row.fromFile ? [flag, `${flag}-file`] : [flag];
      return names.map((name) => [name, { type: "string" as const }]);
    }),
  );
}

function placeholder(row: SettingRow): string {
  if (row.type === "choice") return row.choices.length <= 3 ? row.choices.join("|") : "level";
  return row.type === "list" ? "a,b" : row.type === "integer" ? "n" : row.type;
}

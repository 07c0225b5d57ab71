import type { SettingRow } from "./settings.ts";

export type SettingValue = string | number | readonly string[];

/** What came of reading one value: the value, or what it should have been. */
export type Parsed = { readonly value: SettingValue } | { readonly wrong: string };

/** Reads a value as it was written in a flag, the environment, a secret's file or (numbers and lists too) the JSON file. */
export function parseValue(row: SettingRow, written: unknown): Parsed {
  if (row.type === "list") return parseList(row.item, written);
  if (typeof written === "number" && isNumeric(row)) return parseInteger(row, String(written));
  if (typeof written !== "string") return { wrong: `must be ${expected(row)}` };
  switch (row.type) {
    case "integer":
    case "ms":
    case "bytes":
      return parseInteger(row, written.trim());
    case "url":
      return isUrl(written, row.schemes) ? { value: written } : { wrong: `must be ${expected(row)}` };
    case "choice":
      return row.choices.includes(written) ? { value: written } : { wrong: `must be ${expected(row)}${shown(row, written)}` };
    case "text":
    case "path":
      return row.type === "path" || (row.pattern?.regex.test(written) ?? true)
        ? { value: written }
        : { wrong: `must be ${expected(row)}${shown(row, written)}` };
  }
}

/** What a value of the row looks like, in words. */
export function expected(row: SettingRow): string {
  switch (row.type) {
    case "integer":
    case "ms":
    case "bytes": {
      const unit = row.type === "integer" ? "" : row.type === "ms" ? " of milliseconds" : " of bytes";
      return `a whole number${unit} from ${row.min} to ${row.max}`;
    }
    case "url":
      return `a URL: ${row.schemes.map((scheme) => `${scheme}://`).join(", ")}`;
    case "choice":
      return `one of ${row.choices.join(", ")}`;
    case "list":
      return `a comma-separated list, each ${row.item}`;
    case "path":
      return "the path of a file";
    case "text":
      return row.pattern?.says ?? "text";
  }
}

/** The default as it would be written in the environment; undefined when there is none or it is empty. */
export function defaultText(row: SettingRow): string | undefined {
  const text = row.default === undefined ? "" : String(row.default);
  return text === "" ? undefined : text;
}

type Numeric = Extract<SettingRow, { readonly min: number }>;

function isNumeric(row: SettingRow): row is Numeric {
  return row.type === "integer" || row.type === "ms" || row.type === "bytes";
}

function parseInteger(row: Numeric, written: string): Parsed {
  const value = Number(written);
  return /^[0-9]{1,15}$/.test(written) && value >= row.min && value <= row.max
    ? { value }
    : { wrong: `must be ${expected(row)}${shown(row, written)}` };
}

function parseList(item: string, written: unknown): Parsed {
  const parts = typeof written === "string" ? written.split(",") : written;
  if (!Array.isArray(parts) || !parts.every((part) => typeof part === "string")) {
    return { wrong: `must be a list, each ${item}` };
  }
  return { value: parts.map((part) => part.trim()).filter((part) => part !== "") };
}

/** By its scheme only, for Redis: what stands behind it (several hosts, a group's name) is the broker's to read. */
function isUrl(written: string, schemes: readonly string[]): boolean {
  const scheme = /^([a-z+]+):\/\/[^\s]+$/.exec(written)?.[1];
  if (scheme === undefined || !schemes.includes(scheme)) return false;
  return scheme.startsWith("redis") || URL.canParse(written);
}

/** The value that was refused, unless it is a secret. */
function shown(row: SettingRow, written: string): string {
  return row.secret ? "" : `, not ${JSON.stringify(written.slice(0, 60))}`;
}

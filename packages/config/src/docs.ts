import { flagOf, settingRows } from "./names.ts";
import type { SettingKey, SettingRow } from "./settings.ts";
import { defaultText, expected } from "./value.ts";

/** The text of docs/SETTINGS.md. */
export function settingsDocs(): string {
  return [head, ...settingRows.map(([key, row]) => section(key, row)), ""].join("\n");
}

const head = `# Settings

<!-- Made from packages/config/src/settings/. After a change there:
     npx vitest run --project unit packages/config -u -->

Every setting can be given in four places; the first that has it wins:

1. a flag: \`--admin-port 9001\`
2. the environment: \`FANFARE_ADMIN_PORT=9001\`
3. \`fanfare.config.json\` in the folder that the command is started in: \`{ "adminPort": 9001 }\`
4. the default below

An empty text is the same as not given. Lists are comma-separated (in the file also JSON arrays). A setting marked *or a
file* can name a file that holds its value instead: \`FANFARE_TOKEN_SECRET_FILE=/run/secrets/token\`, \`--token-secret-file\`,
\`"tokenSecretFile"\`; giving both in one place is a mistake. Prefer files for secrets: flags and the environment are visible
to others on many machines. Where settings are shown, a secret prints as \`set\`.

A name that does not exist is a mistake, and so is a value out of its range. \`fanfare check\` and every start tell all
mistakes at once.

| setting | default | used by | meaning |
|---|---|---|---|`;

function section(key: SettingKey, row: SettingRow): string {
  const names = `\`${row.env}\`<br>\`--${flagOf(key)}\`<br>\`${key}\``;
  const byDefault = defaultText(row);
  const marks = [row.secret ? "secret" : "", row.fromFile ? "or a file" : ""].filter((mark) => mark !== "").join(", ");
  const value = row.type === "text" && row.pattern === undefined ? "" : `${capitalized(expected(row))}.`;
  const meaning = [row.doc, value, marks === "" ? "" : `*${capitalized(marks)}.*`].filter((part) => part !== "").join("<br>");
  return `| ${names} | ${byDefault === undefined ? "–" : `\`${byDefault}\``} | ${row.usedBy.join(", ")} | ${meaning} |`;
}

function capitalized(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

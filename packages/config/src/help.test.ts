import { parseArgs } from "node:util";
import { expect, test } from "vitest";
import { flagsOf, settingsHelp, settingsOf } from "./help.ts";
import { loadSettings } from "./load.ts";
import { editDistance, flagOf, nearest, settingRows } from "./names.ts";
import { printableSettings } from "./printable.ts";

test("help names every setting's flag and variable and keeps to 80 columns", () => {
  const help = settingsHelp();
  for (const [key, row] of settingRows) {
    expect(help).toContain(`--${flagOf(key)} `);
    expect(help).toContain(row.env);
  }
  for (const line of help.split("\n")) expect(line.length, line).toBeLessThanOrEqual(80);
});

test("help of one command leaves the others' settings out", () => {
  const help = settingsHelp(settingsOf("token"));
  expect(help).toContain("--token-secret ");
  expect(help).not.toContain("--port ");
});

test("the flags go through parseArgs into the loader", () => {
  const args = ["--admin-port", "9001", "--token-secret-file=/f"];
  const { values } = parseArgs({ args, options: flagsOf() });
  const settings = loadSettings({ env: {}, flags: values, readText: () => "hush" });
  expect(settings).toMatchObject({ adminPort: 9_001, tokenSecret: "hush" });
});

test("printed settings show that a secret is set and not what it is", () => {
  const env = { FANFARE_REDIS_URL: "redis://:hunter2@h", FANFARE_ADMIN_KEYS: "a:hunter2", FANFARE_TOKEN_SECRET: "hunter2" };
  const printed = printableSettings(loadSettings({ env }));
  expect(printed).toMatchObject({ redisUrl: "set", adminKeys: "set", tokenSecret: "set", port: 8_000 });
  expect(printed).not.toHaveProperty("clusterSecret");
  expect(printableSettings(loadSettings({ env: {} }))).not.toHaveProperty("adminKeys");
});

test.each([
  ["", "abc", 3],
  ["port", "port", 0],
  ["prot", "port", 1],
  ["kitten", "sitting", 3],
])("from %s to %s it is %i edits", (a, b, edits) => {
  expect(editDistance(a, b)).toBe(edits);
  expect(editDistance(b, a)).toBe(edits);
});

test("the nearest name is offered only when it is near", () => {
  expect(nearest("FANFARE_PROT", ["FANFARE_HOST", "FANFARE_PORT"])).toBe("FANFARE_PORT");
  expect(nearest("x", ["FANFARE_HOST", "FANFARE_PORT"])).toBeUndefined();
});

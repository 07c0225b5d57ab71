import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { type ScriptShape, scripts, scriptsFolder } from "./scripts.ts";

/** The names that a header gives: `KEYS name type …`, with three dots behind those that come again and again. */
function headerOf(name: string): ScriptShape {
  const text = readFileSync(new URL(`${name}.lua`, scriptsFolder), "utf8");
  const header = /^--\[\[(.*?)\]\]/s.exec(text)?.[1] ?? "";
  expect(header, "the header begins with the script's name").toMatch(new RegExp(`^\\s*${name}: `));
  for (const part of ["Why a script:", "RETURNS", "COST"]) expect(header).toContain(part);
  const named = (kind: string, repeated: boolean): string[] =>
    [...header.matchAll(new RegExp(`^ {2}${kind} +([A-Za-z]+)(\\.\\.\\.)? +\\S`, "gm"))]
      .filter(([, , dots]) => (dots !== undefined) === repeated)
      .map(([, word = ""]) => word);
  return {
    keys: named("KEYS", false),
    args: named("ARGV", false),
    repeatedKeys: named("KEYS", true),
    repeatedArgs: named("ARGV", true),
  };
}

test.each(Object.entries(scripts))(
  "the header of %s.lua names the keys and arguments that it is called with, in order",
  (name, script) => {
    expect(script.name).toBe(name);
    expect(headerOf(name)).toEqual({ repeatedKeys: [], repeatedArgs: [], ...script.shape });
  },
);

test.each(Object.entries(scripts))("%s.lua takes as many keys and arguments as it names", (name, { shape }) => {
  const text = readFileSync(new URL(`${name}.lua`, scriptsFolder), "utf8");
  const used = (array: string): number =>
    Math.max(0, ...[...text.matchAll(new RegExp(`${array}\\[([0-9]+)\\]`, "g"))].map(([, index]) => Number(index)));
  expect(used("KEYS")).toBe(shape.keys.length);
  expect(used("ARGV")).toBe(shape.args.length);
});

test("every script in the folder has a binding", () => {
  expect(readdirSync(scriptsFolder).sort()).toEqual(
    Object.keys(scripts)
      .map((name) => `${name}.lua`)
      .sort(),
  );
});

test("no script reads or writes JSON", () => {
  for (const file of readdirSync(scriptsFolder)) {
    expect(readFileSync(new URL(file, scriptsFolder), "utf8")).not.toMatch(/cjson|cmsgpack/);
  }
});

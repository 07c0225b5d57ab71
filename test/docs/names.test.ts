import { existsSync, readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { allPages, root } from "./pages.ts";

// What pages call by name has to be there under that name: settings, commands, scripts, routes, files.

const read = (path: string): string => readFileSync(`${root}${path}`, "utf8");
/** Changelog and decisions speak of what was then; results are what a program has printed. */
const pages = allPages().filter(({ path }) => !/^(?:CHANGELOG|docs\/adr\/.+|packages\/bench\/RESULTS)\.md$/.test(path));

/** Names of which `there` knows nothing, with the page that uses them. */
function unknown(pattern: RegExp, there: (name: string) => boolean): string[] {
  let seen = 0;
  const found = pages.flatMap(({ path, text }) =>
    [...text.matchAll(pattern)].flatMap(([, name = ""]) => {
      seen++;
      return there(name) ? [] : [`${path}: ${name}`];
    }),
  );
  // A pattern that finds nothing would find no mistake either.
  expect(seen).toBeGreaterThan(3);
  return [...new Set(found)];
}

test("every setting that a page names exists", () => {
  const settings = new Set([...read("docs/SETTINGS.md").matchAll(/^\| `(FANFARE_[A-Z0-9_]+)`/gm)].map(([, name]) => name));
  expect(settings.size).toBeGreaterThan(30);
  expect(unknown(/\b(FANFARE_[A-Z0-9_]*[A-Z0-9])\b/g, (name) => settings.has(name.replace(/_FILE$/, "")))).toEqual([]);
});

test("every command that a page names exists", () => {
  const commands = new Set(readdirSync(`${root}apps/cli/src/commands`).map((name) => name.split(".")[0]));
  expect(unknown(/(?:^|`|\/)fanfare ([a-z]+)\b/gm, (name) => commands.has(name))).toEqual([]);
});

test("every script of npm that a page names exists", () => {
  const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
  expect(unknown(/\bnpm run ([a-z:]+)/g, (name) => name in scripts)).toEqual([]);
});

test("every route that a page names is in docs/REST.md", () => {
  const shape = (route: string): string => route.replaceAll(/:\w+/g, ":");
  const routes = new Set([...read("docs/REST.md").matchAll(/^### ([A-Z]+ \S+)$/gm)].map(([, route = ""]) => shape(route)));
  expect(routes.size).toBeGreaterThan(20);
  expect(
    unknown(/\b((?:GET|POST|PUT|DELETE) +\/v1\/[\w:/.-]*[\w])/g, (name) => routes.has(shape(name.replace(/ +/, " ")))),
  ).toEqual([]);
});

test("every file that a page names is there", () => {
  const named = /`((?:apps|docs|infra|packages|test)\/[\w./-]*\w)`/g;
  expect(unknown(named, (name) => existsSync(`${root}${name}`))).toEqual([]);
});

import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseRules } from "@fanfare/access";
import { PresenceMemberSchema, validator } from "@fanfare/domain";
import { afterAll, expect, test } from "vitest";
import { balanced } from "./balanced.ts";
import { allPages, type Block, page, root } from "./pages.ts";

const blocks = allPages().flatMap((one) => one.blocks);
const inLanguage = (...languages: string[]): readonly Block[] => blocks.filter(({ language }) => languages.includes(language));

/** Debian's own, else the first one: it is only asked whether it could read a program. */
const python = ["/usr/bin/python3", "python3"].find((path) => spawnSync(path, ["--version"]).status === 0);

mkdirSync(join(root, ".cache"), { recursive: true });
/** Inside the repository, where a compiler finds what the programs import. */
const folder = mkdtempSync(join(root, ".cache", "docs-blocks-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** What programs in the pages leave to whoever reads them. */
const left = `
declare const io: typeof import("socket.io-client").io;
declare const url: string, adminUrl: string, adminKey: string;
declare const order: { readonly id: number };
declare function freshToken(): Promise<string>;
declare function reload(): void;
declare function show(data: unknown, offset?: number): void;
declare function retryWithTheSameId(): void;
`;

/** What is wrong with a block, or nothing. */
type Check = (block: Block) => string | undefined;

const shapes: Readonly<Record<string, (value: unknown) => unknown>> = {
  rules: parseRules,
  member: validator(PresenceMemberSchema),
  // Any JSON, said so on purpose.
  any: (value) => value,
};

const json: Check = ({ name, code }) => {
  const shape = shapes[name.replace(/\.json$/, "")];
  if (shape === undefined) return `what is it? Name one of ${Object.keys(shapes)} behind the word json`;
  return thrownBy(() => shape(JSON.parse(code)));
};

const shell: Check = ({ code }) => {
  const { status, stderr } = spawnSync("bash", ["-n"], { input: code, encoding: "utf8" });
  return status === 0 ? undefined : stderr;
};

const pythonProgram: Check = ({ code }) => {
  if (python === undefined) return balanced(code, "#");
  const { status, stderr } = spawnSync(python, ["-c", "import sys; compile(sys.stdin.read(), 'block', 'exec')"], {
    input: code,
    encoding: "utf8",
  });
  return status === 0 ? undefined : stderr;
};

/** Languages without a compiler here: brackets and quotes have to match, and docs/TESTING.md says that this is all. */
const onlyBalanced =
  (comment: string): Check =>
  ({ code }) =>
    balanced(code, comment);

const checks: Readonly<Record<string, Check>> = {
  "": () => undefined, // Listings and drawings; the names in them are checked by names.test.ts.
  text: () => undefined, // What a program prints: running/programs.test.ts.
  js: () => undefined, // All of them in one run of the compiler, below.
  ts: () => undefined,
  json,
  sh: shell,
  python: pythonProgram,
  java: onlyBalanced("//"),
  swift: onlyBalanced("//"),
  dart: onlyBalanced("//"),
  php: onlyBalanced("//"),
  yaml: onlyBalanced("#"),
  ini: onlyBalanced("#"),
  nginx: onlyBalanced("#"),
  haproxy: onlyBalanced("#"),
  dockerfile: onlyBalanced("#"),
};

function mistakes(some: readonly Block[]): string[] {
  return some.flatMap((block) => {
    const check = checks[block.language];
    const wrong = check === undefined ? `nothing checks ${block.language}: see test/docs/blocks.test.ts` : check(block);
    return wrong === undefined ? [] : [`${block.place}: ${wrong}`];
  });
}

test("every block of code can be read by what it is written for", () => {
  expect(blocks.length).toBeGreaterThan(40);
  expect(mistakes(blocks)).toEqual([]);
});

test("every program in JavaScript or TypeScript compiles, with what it imports", () => {
  const programs = inLanguage("js", "ts");
  expect(programs.length).toBeGreaterThan(5);
  expect(compile(programs)).toEqual([]);
}, 60_000);

test("mistakes are found in every language that is checked", () => {
  const bad = (language: string, code: string) => page("x.md", `\`\`\`${language}\n${code}\n\`\`\``).blocks;
  expect(mistakes(bad("json rules", '{"namespaces": {"a": {"subscribe": "everyone"}}}'))).toHaveLength(1);
  expect(mistakes(bad("json", "{}"))).toHaveLength(1);
  expect(mistakes(bad("sh", "if true; echo"))).toHaveLength(1);
  expect(mistakes(bad("python", "def f(:"))).toHaveLength(1);
  expect(mistakes(bad("swift", "f(a[1)]"))).toHaveLength(1);
  expect(mistakes(bad("cobol", "MOVE A TO B."))).toHaveLength(1);
  expect(compile(bad("js", 'import { oi } from "socket.io-client";\noi("x");'))[0]).toContain("x.md:1");
}, 60_000);

/** What the compiler says, under the names of the pages. */
function compile(programs: readonly Block[]): string[] {
  const inside = mkdtempSync(join(folder, "compile-"));
  const names = new Map<string, string>();
  for (const [at, { place, language, code }] of programs.entries()) {
    const name = `block-${at}.m${language}`;
    names.set(name, place);
    // A module each, so that no two of them share a name.
    writeFileSync(join(inside, name), `${code}\nexport {};\n`);
  }
  writeFileSync(join(inside, "left.d.ts"), left);
  const options = {
    target: "ES2022",
    lib: ["ES2023", "DOM"],
    module: "NodeNext",
    types: ["node"],
    strict: true,
    // They are JavaScript: nobody has to name types.
    noImplicitAny: false,
    allowJs: true,
    checkJs: true,
    noEmit: true,
    skipLibCheck: true,
  };
  writeFileSync(join(inside, "tsconfig.json"), JSON.stringify({ compilerOptions: options, include: ["*"] }));
  const { stdout } = spawnSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", inside], {
    encoding: "utf8",
  });
  return stdout
    .split("\n")
    .filter((line) => line.includes("error TS"))
    .map((line) => line.replace(/^.*?(block-\d+\.m[jt]s)/, (_, name: string) => names.get(name) ?? name));
}

function thrownBy(act: () => unknown): string | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    return String(error);
  }
}

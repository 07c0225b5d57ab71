import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../../", import.meta.url));

export interface Block {
  /** Where it stands, for whoever has to mend it: docs/RULES.md:12. */
  readonly place: string;
  readonly page: string;
  /** What stands behind the backticks: `json rules.json` is a language and a name. */
  readonly language: string;
  readonly name: string;
  readonly code: string;
}

export interface Page {
  /** From the root of the repository. */
  readonly path: string;
  readonly text: string;
  readonly blocks: readonly Block[];
  /** The text without its blocks of code. */
  readonly prose: string;
}

/** Every page that is there to be read: at the top, in docs, infra and the bench. */
export function allPages(): readonly Page[] {
  const folders = ["docs", "infra", "packages/bench"];
  const below = folders.flatMap((folder) =>
    readdirSync(`${root}${folder}`, { recursive: true, encoding: "utf8" })
      .filter((name) => !name.includes("node_modules"))
      .map((name) => `${folder}/${name}`),
  );
  return [...readdirSync(root), ...below]
    .filter((path) => path.endsWith(".md"))
    .sort()
    .map((path) => page(path, readFileSync(`${root}${path}`, "utf8")));
}

export function page(path: string, text: string): Page {
  const blocks: Block[] = [];
  const prose: string[] = [];
  let open: { readonly indent: string; readonly info: string; readonly line: number; readonly code: string[] } | undefined;
  for (const [index, line] of text.split("\n").entries()) {
    const [, indent = "", info] = /^( *)```(.*)$/.exec(line) ?? [];
    if (open === undefined && info !== undefined) open = { indent, info: info.trim(), line: index + 1, code: [] };
    else if (open === undefined) prose.push(line);
    else if (info === "") {
      const [language = "", name = ""] = open.info.split(" ");
      blocks.push({ place: `${path}:${open.line}`, page: path, language, name, code: open.code.join("\n") });
      open = undefined;
    } else open.code.push(line.startsWith(open.indent) ? line.slice(open.indent.length) : line);
  }
  if (open !== undefined) throw new Error(`${path}:${open.line}: this block of code does not end`);
  return { path, text, blocks, prose: prose.join("\n") };
}

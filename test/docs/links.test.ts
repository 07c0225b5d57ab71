import { existsSync, readFileSync } from "node:fs";
import { posix } from "node:path";
import { describe, expect, test } from "vitest";
import { allPages, type Page, page, root } from "./pages.ts";

const pages = allPages();

/** Every link of a page that leads nowhere. Links to other sites are only read, not followed. */
function brokenLinks({ path, prose, text }: Page): string[] {
  return [...prose.replaceAll(/`[^`\n]*`/g, "").matchAll(/\[[^\]]*\]\(([^)\s]+)\)/g)].flatMap(([, target = ""]) => {
    if (/^https?:/.test(target)) return URL.canParse(target) ? [] : [target];
    const [file = "", anchor] = target.split("#");
    if (file === "") return anchors(text).has(anchor ?? "") ? [] : [target];
    const at = posix.join(posix.dirname(path), file);
    if (!existsSync(`${root}${at}`)) return [target];
    if (anchor === undefined) return [];
    return at.endsWith(".md") && anchors(readFileSync(`${root}${at}`, "utf8")).has(anchor) ? [] : [target];
  });
}

/** As GitHub makes them from headings. */
function anchors(text: string): ReadonlySet<string> {
  const found = new Set<string>();
  for (const [, heading = ""] of page("", text).prose.matchAll(/^#{1,6} +(.+)$/gm)) {
    const plain = heading
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1")
      .trim()
      .toLowerCase();
    const slug = plain.replaceAll(/[^\p{L}\p{N}\- _]/gu, "").replaceAll(" ", "-");
    let unique = slug;
    for (let n = 1; found.has(unique); n++) unique = `${slug}-${n}`;
    found.add(unique);
  }
  return found;
}

describe.each(pages.map((one) => [one.path, one] as const))("%s", (_, one) => {
  test("every link leads to a page, and every anchor to a heading", () => {
    expect(brokenLinks(one)).toEqual([]);
  });
});

test("a link to a page or a heading that is not there is found", () => {
  const text = "# Ah, so: a `b`!\n[1](NOWHERE.md) [2](#ah-so-a-b) [3](#ah) [4](README.md#documentation) [5](README.md#no)";
  expect(brokenLinks(page("docs/X.md", text))).toEqual(["NOWHERE.md", "#ah", "README.md#no"]);
});

test("docs/README.md leads to every page of docs", () => {
  const index = pages.find(({ path }) => path === "docs/README.md")?.text ?? "";
  const others = pages.map(({ path }) => path).filter((path) => /^docs\/[^/]+\.md$/.test(path) && path !== "docs/README.md");
  expect(others.length).toBeGreaterThan(10);
  expect(others.filter((path) => !index.includes(`](${posix.basename(path)})`))).toEqual([]);
});

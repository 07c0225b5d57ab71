import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { createProgram } from "./program.ts";

const page = fileURLToPath(new URL("../../../docs/CLI.md", import.meta.url));
/** What stands before it is written by hand. */
const mark = "<!-- From here on made from the commands: npx vitest run --project unit apps/cli -u -->";

/** The help of a command, without its settings: those have a page of their own. */
function section(name: string, help: string): string {
  return `### fanfare ${name}\n\n\`\`\`text\n${help.trim()}\n\`\`\`\n`;
}

test("docs/CLI.md has the help of every command", async () => {
  const [byHand = ""] = readFileSync(page, "utf8").split(mark);
  const sections = createProgram().commands.map((command) => section(command.name(), command.helpInformation()));
  await expect(`${byHand}${mark}\n\n${sections.join("\n")}`).toMatchFileSnapshot(page);
});

test("the whole help of every command fits 80 columns, with its settings", () => {
  for (const command of createProgram().commands) {
    const written: string[] = [];
    command.configureOutput({ writeOut: (text) => void written.push(text) }).outputHelp();
    for (const line of written.join("").split("\n")) expect(line.length, line).toBeLessThanOrEqual(80);
  }
});

test("docs/CLI.md says the exit codes as the program's help does", () => {
  const written: string[] = [];
  createProgram()
    .configureOutput({ writeOut: (text) => void written.push(text) })
    .outputHelp();
  const flat = (text: string) => text.replaceAll(/\s+/g, " ");
  const codes = /Exit codes: (0 .+?), (1 .+?), (2 .+?), (3 .+?)\./.exec(flat(written.join("")));
  const text = readFileSync(page, "utf8");
  expect(codes).not.toBeNull();
  for (const code of codes?.slice(1) ?? []) expect(text).toContain(`| ${code[0]} | ${code.slice(2)} |`);
});

test("docs/CLI.md has a row for every fault that doctor and check can name, and for no other", () => {
  const sources = ["doctor", "redis"].flatMap((folder) =>
    readdirSync(new URL(folder, import.meta.url)).map((file) =>
      readFileSync(new URL(`${folder}/${file}`, import.meta.url), "utf8"),
    ),
  );
  const named =
    /fault: (?:[\w\s=?!()&|.]+\? )?"([a-z-]+)"(?: : "([a-z-]+)")?|const fault = [^"]+"([a-z-]+)" : "([a-z-]+)"|\[\s*"(tls-[a-z]+)",/g;
  const faults = sources.flatMap((text) =>
    [...text.matchAll(named)].flatMap((match) => match.slice(1).filter((name) => name !== undefined)),
  );
  const rows = [...readFileSync(page, "utf8").matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, name]) => name);
  expect(rows.length).toBeGreaterThan(20);
  expect([...new Set(faults)].sort()).toEqual([...rows].sort());
});

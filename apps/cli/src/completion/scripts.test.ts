import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { createProgram } from "../program.ts";
import { completionScript, type Shell, shells } from "./scripts.ts";
import { wordsOf } from "./words.ts";

const commands = wordsOf(createProgram());
const folder = mkdtempSync(join(tmpdir(), "fanfare-completion-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** What bash offers for a line that ends here. */
function offers(...line: string[]): string[] {
  const script = `${completionScript("bash", commands)}
COMP_WORDS=(${line.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${line.length - 1}
_fanfare; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = spawnSync("bash", ["--norc"], { input: script, encoding: "utf8" });
  expect(stderr).toBe("");
  return stdout.split("\n").filter((word) => word !== "");
}

test("bash offers commands, then their flags, then what a flag can be", () => {
  expect(offers("fanfare", "to").sort()).toEqual(["token", "top"]);
  expect(offers("fanfare", "doctor", "--o")).toEqual(["--origin"]);
  expect(offers("fanfare", "up", "--prod")).toEqual(["--producer"]);
  expect(offers("fanfare", "up", "--producer", "")).toEqual(["sine", "none"]);
  expect(offers("fanfare", "gateway", "--peer-p")).toContain("--peer-port");
  expect(offers("fanfare", "completion", "")).toEqual(expect.arrayContaining([...shells]));
  // A value that is nobody's choice: bash goes on to files.
  expect(offers("fanfare", "up", "--nodes", "")).toEqual([]);
  expect(offers("fanfare", "top", "--once", "--js")).toEqual(["--json"]);
});

test("every shell is told of every command and flag", () => {
  expect(commands.length).toBeGreaterThan(12);
  for (const shell of shells) {
    const script = completionScript(shell, commands);
    for (const { name, options } of commands) {
      expect(script).toContain(name);
      for (const { flag } of options) expect(script).toContain(shell === "fish" ? `-l ${flag.slice(2)} ` : flag);
    }
  }
});

test.each(shells.map((shell): [Shell] => [shell]))("%s can read its script, where there is one", (shell) => {
  const file = join(folder, shell);
  writeFileSync(file, completionScript(shell, commands));
  const { error, status, stderr } = spawnSync(shell, ["-n", file], { encoding: "utf8" });
  if (error !== undefined) expect(error).toMatchObject({ code: "ENOENT" });
  else expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
});

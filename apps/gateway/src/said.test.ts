import { readdirSync, readFileSync } from "node:fs";
import { notices } from "@fanfare/domain";
import { expect, test } from "vitest";

/** Every name of a notice in the sources of a folder, as a text of its own. */
function namesIn(folder: URL): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts"))
    .flatMap((file) => readFileSync(new URL(file, folder), "utf8").match(/(?<=")fanfare:[a-z-]+(?=")/g) ?? []);
}

test("what nodes tell their clients is what the AsyncAPI document lists, no more and no less", () => {
  const sources = [new URL("./", import.meta.url), new URL("../../../packages/fanout/src/", import.meta.url)];
  expect([...new Set(sources.flatMap(namesIn))].sort()).toEqual(Object.keys(notices).sort());
});

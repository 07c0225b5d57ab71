import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { catalogue } from "./errors.ts";

/** The rows of docs/ERRORS.md that begin with a code, cell by cell. */
const rows = readFileSync(new URL("../../../docs/ERRORS.md", import.meta.url), "utf8")
  .split("\n")
  .filter((line) => line.startsWith("| `"))
  .map((line) => line.slice(2, -2).split(" | "));

test("docs/ERRORS.md has every code of the catalogue once, in its order, with its status, band and sentence", () => {
  const documented = rows.map((cells) => cells.slice(0, 4));
  const inCode = Object.entries(catalogue).map(([code, { status, band, says }]) => [`\`${code}\``, `${status}`, band, says]);
  expect(documented).toEqual(inCode);
});

test("docs/ERRORS.md says for every code what to do", () => {
  for (const cells of rows) {
    expect(cells, cells[0]).toHaveLength(5);
    expect(cells[4], cells[0]).toMatch(/^[A-Z].{10,}\.$/);
  }
});

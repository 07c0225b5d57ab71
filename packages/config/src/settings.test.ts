import { expect, test } from "vitest";
import { settingRows } from "./names.ts";
import { parseValue } from "./value.ts";

test.each(settingRows)("%s has one name in three spellings and a default that it would accept itself", (key, row) => {
  expect(row.env).toBe(`FANFARE_${key.replace(/[A-Z]/g, (capital) => `_${capital}`).toUpperCase()}`);
  if (row.default !== undefined) expect(parseValue(row, row.default)).toEqual({ value: row.default });
});

test.each(settingRows)("%s is explained in whole sentences and used by somebody", (_, row) => {
  expect(row.doc).toMatch(/^[A-Z].*\.$/);
  expect(row.doc).not.toContain("|");
  expect(row.usedBy.length).toBeGreaterThan(0);
});

test("numbers say their unit last in their names", () => {
  for (const [key, row] of settingRows) {
    if (row.type === "ms") expect(key).toMatch(/Ms(Max)?$/);
    if (row.type === "bytes") expect(key).toContain("Bytes");
  }
});

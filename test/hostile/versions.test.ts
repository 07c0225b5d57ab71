import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const { packages } = JSON.parse(readFileSync(new URL("../../package-lock.json", import.meta.url), "utf8")) as {
  readonly packages: Readonly<
    Record<string, { readonly version?: string; readonly resolved?: string; readonly integrity?: string }>
  >;
};

const registry = "https://registry.npmjs.org/";

/** The lowest version without a known hole in how we use it, and what the hole was. docs/SECURITY.md says how to keep this. */
const minimums = [
  ["socket.io", "4.8.0", "CVE-2024-38355"],
  ["engine.io", "6.6.9", "CVE-2026-59725, GHSA-r635-g3xr-vw7x, GHSA-gr94-w7qr-f4j3"],
  ["socket.io-parser", "4.2.7", "CVE-2023-32695, CVE-2026-33151, CVE-2026-69185"],
  ["ws", "8.21.0", "CVE-2024-37890, CVE-2026-45736, CVE-2026-48779"],
  ["fastify", "5.12.3", "CVE-2026-3635, CVE-2026-33806, four high ones in 5.12.2"],
  ["fast-uri", "3.1.7", "GHSA of 2026 in address parsing"],
  ["find-my-way", "9.0.0", "CVE-2024-45813"],
  ["ioredis", "6.0.0", "none known"],
  ["jose", "6.0.0", "CVE-2024-28176"],
] as const;

const installed = (name: string): { at: string; version: string }[] =>
  Object.entries(packages).flatMap(([path, { version }]) =>
    path.endsWith(`node_modules/${name}`) && version !== undefined ? [{ at: path, version }] : [],
  );

function isAtLeast(version: string, minimum: string): boolean {
  const [have, want] = [version, minimum].map((text) => text.split(/[.-]/).slice(0, 3).map(Number));
  for (const at of [0, 1, 2]) {
    const difference = (have?.[at] ?? 0) - (want?.[at] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}

test.each(minimums)("%s is at least %s wherever it is installed (%s)", (name, minimum) => {
  const found = installed(name);
  expect(found.length).toBeGreaterThan(0);
  expect(found.filter(({ version }) => !isAtLeast(version, minimum))).toEqual([]);
});

test("versions are compared by number, and a lower one is noticed", () => {
  expect(isAtLeast("8.9.0", "8.10.0")).toBe(false);
  expect(isAtLeast("8.10.0", "8.9.9")).toBe(true);
  expect(isAtLeast("6.6.8", "6.6.9")).toBe(false);
  expect(isAtLeast("7.0.0-rc.1", "6.6.9")).toBe(true);
});

test("everything that is installed comes from the registry and is known by its hash", () => {
  const foreign = Object.entries(packages).filter(
    ([path, { resolved, integrity }]) =>
      path.includes("node_modules/") &&
      !path.includes("node_modules/@fanfare/") &&
      !((resolved ?? registry).startsWith(registry) && integrity?.startsWith("sha512-")),
  );
  expect(foreign.map(([path]) => path)).toEqual([]);
});

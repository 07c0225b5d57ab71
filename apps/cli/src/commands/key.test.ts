import { tmpdir } from "node:os";
import { parseAdminKeys } from "@fanfare/access";
import { expect, test } from "vitest";
import { fanfare } from "../../test/command.ts";

const run = (args: readonly string[]) => fanfare(args, { cwd: tmpdir() });

test("a key is made once, and the settings get only its hash", async () => {
  const { code, out } = await run(["key", "ci", "--scopes", "publish:news:*,read", "--until", "2099-01-31", "--json"]);
  expect(code).toBe(0);
  const { name, secret, line } = JSON.parse(out);
  expect(name).toBe("ci");
  expect(line).not.toContain(secret);
  expect(parseAdminKeys([line]).authenticate(secret)).toMatchObject({ name: "ci", scopes: ["publish:news:*", "read"] });
});

test("people get the secret and the line to configure", async () => {
  const { code, out } = await run(["key", "ops", "--ttl", "90d"]);
  expect(code).toBe(0);
  expect(out).toMatch(/\n {2}fanfare_[A-Za-z0-9_-]{43}\n/);
  const line = /\n {2}(ops:\S+)/.exec(out)?.[1] ?? "";
  const [key] = parseAdminKeys([line]).list;
  expect((key?.expiresAt ?? 0) / 86_400_000 - Date.now() / 86_400_000).toBeCloseTo(90, 1);
});

test.each([
  [["key", "a b"], "name"],
  [["key", "a", "--scopes", "write"], "scope"],
  [["key", "a", "--until", "tomorrow"], "when it ends"],
  [["key", "a", "--until", "2099-01-31", "--ttl", "1h"], "not both"],
])("%j makes none and says why", async (args, word) => {
  const { code, out, err } = await run(args);
  expect(code).toBe(2);
  expect(out).toBe("");
  expect(err).toContain(word);
});

import { createHash } from "node:crypto";
import { channelName, FanfareError } from "@fanfare/domain";
import { expect, test } from "vitest";
import { type AdminKey, allows, parseAdminKeys } from "./admin-keys.ts";
import { makeAdminKey } from "./admin-keys-make.ts";

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

function mistakes(...lines: string[]): string[] {
  try {
    parseAdminKeys(lines);
    return [];
  } catch (error) {
    if (!(error instanceof FanfareError) || error.code !== "SETTINGS_INVALID") throw error;
    return (error.errors ?? []).map(({ path, message }) => `${path}: ${message}`);
  }
}

test("a key is known by its secret, plain or hashed, and by nothing else", () => {
  const keys = parseAdminKeys(["ops:one", `ci:sha256=${sha256("two")}:publish`]);
  expect(keys.size).toBe(2);
  expect(keys.authenticate("one")).toEqual({ name: "ops", scopes: [] });
  expect(keys.authenticate("two")).toEqual({ name: "ci", scopes: ["publish"] });
  for (const presented of ["", "One", "one ", "ops", "ops:one", "on", sha256("two"), `sha256=${sha256("two")}`, "ｏne"]) {
    expect(keys.authenticate(presented), presented).toBeUndefined();
  }
  expect(keys.authenticate("x".repeat(1_000_000))).toBeUndefined();
});

test("without any key nobody gets in", () => {
  const keys = parseAdminKeys([]);
  expect(keys.size).toBe(0);
  expect(keys.authenticate("")).toBeUndefined();
});

test("the hash of a secret may be written in capitals", () => {
  expect(parseAdminKeys([`a:sha256=${sha256("x").toUpperCase()}`]).authenticate("x")?.name).toBe("a");
});

const keyOf = (scopes: string): AdminKey => {
  const key = parseAdminKeys([`a:secret${scopes === "" ? "" : `:${scopes}`}`]).authenticate("secret");
  if (key === undefined) throw new Error("no key");
  return key;
};

test("no scope is all scopes; any scope is that scope only", () => {
  for (const scope of ["publish", "read", "connections", "nodes", "keys"] as const) {
    expect(allows(keyOf(""), scope)).toBe(true);
    expect(allows(keyOf(scope), scope)).toBe(true);
    expect(allows(keyOf("read+nodes"), scope)).toBe(scope === "read" || scope === "nodes");
  }
});

test("publishing can be narrowed to channels and prefixes, beside other scopes", () => {
  const key = keyOf("publish:news:*+publish:zmq+read");
  expect(key.scopes).toEqual(["publish:news:*", "publish:zmq", "read"]);
  for (const channel of ["news:1", "news:a:b", "zmq"]) expect(allows(key, "publish", channelName(channel))).toBe(true);
  for (const channel of ["news", "newsroom:1", "zmq:1", "x"]) expect(allows(key, "publish", channelName(channel))).toBe(false);
  expect(allows(key, "publish")).toBe(false);
  expect(allows(key, "read", channelName("x"))).toBe(true);
  expect(allows(keyOf("publish"), "publish", channelName("x"))).toBe(true);
});

test("every mistake is told at once and none shows a secret", () => {
  const found = mistakes(
    "hunter2",
    ":hunter2",
    "a b:hunter2",
    "c:",
    "d:sha256=hunter2",
    "e:hunter2:admin",
    "f:hunter3:",
    "g:hunter4:publish:",
    "h:hunter5:publish:*+read+hunter6",
    "i:geheim",
    "i:anders",
    "j:geheim",
    "k:hünter2",
  );
  expect(found.map((line) => /\[(\d+)\]/.exec(line)?.[1])).toEqual([
    "0",
    "1",
    "2",
    "3",
    "4",
    "5",
    "6",
    "7",
    "8",
    "8",
    "10",
    "11",
    "12",
  ]);
  expect(found.join("\n")).not.toMatch(/h[uü]nter|geheim|anders/);
  expect(found[8]).toContain("a scope, number 1,");
  expect(found[9]).toContain("a scope, number 3,");
  expect(found[10]).toContain("has the name i, which an earlier key has");
  expect(found[11]).toContain("same secret as an earlier key");
});

test("a key object shows neither the secret nor its hash", () => {
  const keys = parseAdminKeys(["ops:hunter2"]);
  expect(JSON.stringify([keys, keys.authenticate("hunter2")])).not.toMatch(/hunter2|[0-9a-f]{32}/);
});

test("a key that ends says when: with its last day, or at an instant", () => {
  const endOf = (until: string) => parseAdminKeys([`a:secret:read+until=${until}`]).list[0];
  expect(endOf("2027-01-31")).toEqual({ name: "a", scopes: ["read"], expiresAt: Date.parse("2027-02-01T00:00Z") });
  expect(endOf("2027-01-31T12:30Z")?.expiresAt).toBe(Date.parse("2027-01-31T12:30Z"));
  expect(endOf("2027-01-31T12:30:15Z")?.expiresAt).toBe(Date.parse("2027-01-31T12:30:15Z"));
  expect(parseAdminKeys(["a:secret:until=2027-01-31"]).list[0]?.scopes).toEqual([]);
});

test.each(["", "tomorrow", "2027-02-31", "2027-13-01", "2027-01-31T25:00Z", "2027-01-31T12:00", "1e9", "2027-1-1"])(
  "an end of %j is a mistake, not a key without one",
  (until) => {
    expect(mistakes(`a:secret:read+until=${until}`)).toEqual([expect.stringContaining("does not say when it ends")]);
  },
);

test("two ends are one too many", () => {
  expect(mistakes("a:secret:until=2027-01-31+until=2028-01-31")).toHaveLength(1);
});

test("a key that was made opens what it says, and its line does not give the secret away", () => {
  const { secret, line } = makeAdminKey({ name: "ci", scopes: ["publish:news:*", "read"], until: "2027-01-31" });
  expect(secret).toMatch(/^fanfare_[A-Za-z0-9_-]{43}$/);
  expect(line).not.toContain(secret);
  const keys = parseAdminKeys([line]);
  expect(keys.authenticate(secret)).toEqual({
    name: "ci",
    scopes: ["publish:news:*", "read"],
    expiresAt: Date.parse("2027-02-01T00:00Z"),
  });
  expect(makeAdminKey({ name: "ci" }).secret).not.toBe(makeAdminKey({ name: "ci" }).secret);
});

test.each([
  { name: "" },
  { name: "a b" },
  { name: "a:b" },
  { name: "a", scopes: ["write"] },
  { name: "a", scopes: ["publish:*"] },
  { name: "a", until: "soon" },
])("nothing is made of %j", (draft) => {
  expect(() => makeAdminKey(draft)).toThrow(FanfareError);
});

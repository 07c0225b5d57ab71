import type { Revocation } from "@fanfare/domain";
import fc from "fast-check";
import { expect, test } from "vitest";
import { anonymous, type Identity } from "./identity.ts";
import { fits, RevocationList } from "./revocation-list.ts";

const base = { at: 0, endsAt: 1e15 };
const ada: Identity = { ...anonymous, user: "ada", tokenId: "t1", issuedAt: 100, expiresAt: 1_000 };

function listOf(...conditions: readonly Omit<Revocation, "id" | "at" | "endsAt">[]): RevocationList {
  const list = new RevocationList();
  list.replace(conditions.map((condition, index) => ({ ...base, ...condition, id: `${index}` })));
  return list;
}

test.each<[string, Omit<Revocation, "id" | "at" | "endsAt">, boolean]>([
  ["its user", { user: "ada" }, true],
  ["its user, of tokens as old as it", { user: "ada", issuedBefore: 101 }, true],
  ["its user, of older tokens", { user: "ada", issuedBefore: 100 }, false],
  ["another user", { user: "Ada" }, false],
  ["its token", { tokenId: "t1" }, true],
  ["another token of its user", { tokenId: "t2" }, false],
  ["another token by the name of its user", { tokenId: "ada" }, false],
  ["its token of another user", { tokenId: "t1", user: "eve" }, false],
  ["its token and its user", { tokenId: "t1", user: "ada" }, true],
  ["all tokens as old as it", { issuedBefore: 101 }, true],
  ["all older tokens", { issuedBefore: 100 }, false],
  ["no condition at all", {}, false],
])("a client is found by a revocation of %s: %#", (_, condition, found) => {
  expect(listOf(condition).find(ada) !== undefined).toBe(found);
});

test("a token that does not say when it was issued counts as old", () => {
  const { issuedAt, ...undated } = ada;
  expect(issuedAt).toBe(100);
  expect(listOf({ user: "ada", issuedBefore: 1 }).find(undated)).toBeDefined();
});

test("who showed nothing is not found by anything", () => {
  expect(listOf({ issuedBefore: 1e15 }, { user: "ada" }).find(anonymous)).toBeUndefined();
});

test("what is new is told once, what is gone is no longer found", () => {
  const list = new RevocationList();
  const [a, b]: [Revocation, Revocation] = [
    { ...base, id: "a", user: "ada" },
    { ...base, id: "b", tokenId: "t1" },
  ];
  expect(list.replace([a])).toEqual([a]);
  expect(list.replace([a, b])).toEqual([b]);
  expect(list.replace([b])).toEqual([]);
  expect(list.find({ ...ada, tokenId: "other" })).toBeUndefined();
  expect(list.find(ada)).toEqual(b);
  list.replace([]);
  expect([list.size, list.find(ada)]).toEqual([0, undefined]);
});

test("after any changes, what is found is what one of the list fits", () => {
  const name = fc.constantFrom("a", "b", "__proto__");
  const condition = fc.record({ user: name, tokenId: name, issuedBefore: fc.nat(3) }, { requiredKeys: [] });
  const identity = fc.record({ user: name, tokenId: name, issuedAt: fc.nat(3), expiresAt: fc.constant(9) }, { requiredKeys: [] });
  let found = 0;
  fc.assert(
    fc.property(fc.array(fc.array(fc.tuple(fc.nat(9), condition), { maxLength: 6 })), identity, (rounds, who) => {
      const list = new RevocationList();
      const client = { ...anonymous, ...who };
      const made = new Map<number, Revocation>();
      for (const round of rounds) {
        // An id stands for the same conditions for ever.
        const now = round.map(
          ([id, more]) => made.get(id) ?? (made.set(id, { ...base, id: `${id}`, ...more }).get(id) as Revocation),
        );
        list.replace(now);
        const expected = now.some((revocation) => fits(revocation, client));
        if (expected) found++;
        expect(list.find(client) !== undefined).toBe(expected);
      }
    }),
  );
  expect(found).toBeGreaterThan(10);
});

import { limits, type Revocation, type Revocations } from "@fanfare/domain";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

/** One backend as two nodes see it. */
export interface RevocationsWorld {
  readonly revocations: readonly [Revocations, Revocations];
  close(): Promise<void>;
}

const later = () => Date.now() + 60_000;
const ofAda = (): Revocation => ({ id: "1", user: "ada", issuedBefore: 5, reason: "lost her phone", at: 5, endsAt: later() });

/** The law of {@link Revocations}. */
export function revocationsContract(open: () => Promise<RevocationsWorld>): void {
  describe("every list of revocations", () => {
    let world: RevocationsWorld;
    let one: Revocations;
    let other: Revocations;
    beforeEach(async () => {
      world = await open();
      [one, other] = world.revocations;
    });
    afterEach(() => world.close());
    const all = async (list: Revocations) => (await list.changedSince("never"))?.items;

    test("is empty and without a life at first", async () => {
      expect(await one.changedSince("never")).toMatchObject({ life: "", items: [] });
    });

    test("shows another node what was added, to the letter", async () => {
      const byToken: Revocation = { id: "2", tokenId: 'a "b" ü\u0000', at: 1, endsAt: later() };
      const ofAll: Revocation = { id: "__proto__", issuedBefore: 1_800_000_000_000, at: 1, endsAt: later() };
      const ada = ofAda();
      for (const revocation of [ada, byToken, ofAll]) await one.add(revocation);
      expect(await all(other)).toEqual(expect.arrayContaining([ada, byToken, ofAll]));
      expect(await all(other)).toHaveLength(3);
    });

    test("says nothing when nothing has changed, and everything when something has", async () => {
      await one.add(ofAda());
      const first = await other.changedSince("never");
      expect(await other.changedSince(first?.version ?? "")).toBeUndefined();
      await one.add({ ...ofAda(), id: "2" });
      const second = await other.changedSince(first?.version ?? "");
      expect(second?.items).toHaveLength(2);
      expect(second?.life).toBe(first?.life);
      expect(second?.life).not.toBe("");
    });

    test("keeps one of an id, the first", async () => {
      await one.add(ofAda());
      await other.add({ ...ofAda(), reason: "another" });
      expect(await all(one)).toMatchObject([{ reason: "lost her phone" }]);
    });

    test("takes back what is there, and says whether it was", async () => {
      await one.add(ofAda());
      const before = await other.changedSince("never");
      expect(await other.remove("1")).toBe(true);
      expect(await other.remove("1")).toBe(false);
      expect((await one.changedSince(before?.version ?? ""))?.items).toEqual([]);
    });

    test("makes room for new ones by forgetting those that have ended", async () => {
      for (let id = 0; id < 5; id++) await one.add({ ...ofAda(), id: `old ${id}`, endsAt: Date.now() - 1 });
      await one.add(ofAda());
      expect((await all(other))?.map(({ id }) => id)).toEqual(["1"]);
    });

    test("refuses one too many, and still takes those that it has", async () => {
      const many = Array.from({ length: limits.revocationsMax }, (_, id) => ({ ...ofAda(), id: `${id}` }));
      for (let at = 0; at < many.length; at += 1_000) await Promise.all(many.slice(at, at + 1_000).map((it) => one.add(it)));
      await expect(other.add({ ...ofAda(), id: "one too many" })).rejects.toMatchObject({ code: "REVOCATIONS_EXCEEDED" });
      await other.add({ ...ofAda(), id: "7" });
      expect(await all(one)).toHaveLength(limits.revocationsMax);
    });
  });
}

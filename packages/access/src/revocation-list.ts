import type { Revocation } from "@fanfare/domain";
import type { Identity } from "./identity.ts";

/**
 * The revocations in force, ready to be asked about every client that comes. Those that name a user or a token are found by
 * it; only the few that name neither are gone through.
 */
export class RevocationList {
  readonly #all = new Map<string, Revocation>();
  readonly #byUser = new Map<string, Set<Revocation>>();
  readonly #byToken = new Map<string, Set<Revocation>>();
  readonly #others = new Set<Revocation>();

  get size(): number {
    return this.#all.size;
  }

  [Symbol.iterator](): IterableIterator<Revocation> {
    return this.#all.values();
  }

  /** Makes it these. Answers which of them are new. */
  replace(revocations: readonly Revocation[]): Revocation[] {
    const kept = new Set(revocations.map(({ id }) => id));
    for (const [id, revocation] of this.#all) if (!kept.has(id)) this.#drop(revocation);
    const added = revocations.filter(({ id }) => !this.#all.has(id));
    for (const revocation of added) this.#put(revocation);
    return added;
  }

  /** The one by which this client may no longer be here, if there is one. */
  find(identity: Identity): Revocation | undefined {
    const { user, tokenId } = identity;
    const candidates = [
      ...(user === undefined ? [] : (this.#byUser.get(user) ?? [])),
      ...(tokenId === undefined ? [] : (this.#byToken.get(tokenId) ?? [])),
      ...this.#others,
    ];
    return candidates.find((revocation) => fits(revocation, identity));
  }

  #put(revocation: Revocation): void {
    this.#all.set(revocation.id, revocation);
    this.#listOf(revocation, true)?.add(revocation);
  }

  #drop(revocation: Revocation): void {
    this.#all.delete(revocation.id);
    const list = this.#listOf(revocation, false);
    list?.delete(revocation);
    if (list?.size !== 0) return;
    if (revocation.tokenId !== undefined) this.#byToken.delete(revocation.tokenId);
    else if (revocation.user !== undefined) this.#byUser.delete(revocation.user);
  }

  #listOf({ user, tokenId }: Revocation, make: boolean): Set<Revocation> | undefined {
    const name = tokenId ?? user;
    if (name === undefined) return this.#others;
    const lists = tokenId === undefined ? this.#byUser : this.#byToken;
    const list = lists.get(name) ?? (make ? new Set() : undefined);
    if (list !== undefined) lists.set(name, list);
    return list;
  }
}

/** Whether all the conditions that the revocation names are true of the client. */
export function fits({ user, tokenId, issuedBefore }: Revocation, identity: Identity): boolean {
  // Who showed nothing has nothing that could be taken away.
  if (identity.user === undefined && identity.expiresAt === undefined) return false;
  if (user === undefined && tokenId === undefined && issuedBefore === undefined) return false;
  return (
    (user === undefined || user === identity.user) &&
    (tokenId === undefined || tokenId === identity.tokenId) &&
    (issuedBefore === undefined || identity.issuedAt === undefined || identity.issuedAt < issuedBefore)
  );
}

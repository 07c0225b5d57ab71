/**
 * What is no longer accepted although it was signed: every token that all of the named conditions fit. At least one of them
 * is named.
 */
export interface Revocation {
  readonly id: string;
  readonly user?: string;
  /** The token's `jti`. */
  readonly tokenId?: string;
  /** Milliseconds since 1970. Tokens that do not say when they were issued count as issued before. */
  readonly issuedBefore?: number;
  /** For operators. Never shown to clients. */
  readonly reason?: string;
  /** When it was made, in milliseconds since 1970. */
  readonly at: number;
  /** From then on no token is left that it could fit. */
  readonly endsAt: number;
}

/** The revocations in force, all of them: there are at most `limits.revocationsMax`. */
export interface RevocationState {
  /** Changes with every change. */
  readonly version: string;
  /**
   * Which life of the list this is. Another one than before says that the broker has lost what it had: whoever still knows
   * some of it MUST add it again. Empty before the first revocation.
   */
  readonly life: string;
  readonly items: readonly Revocation[];
}

/**
 * The list of revocations that all nodes of a cluster share. Each verb is atomic. Nodes compare what they know with
 * {@link Revocations.changedSince} about once a second, so that none depends on being told. While the broker is away every
 * verb rejects with `BROKER_UNAVAILABLE`.
 */
export interface Revocations {
  /** Adds one, or does nothing when one of its id is there. Rejects with `REVOCATIONS_EXCEEDED` when there are too many. */
  add(revocation: Revocation): Promise<void>;

  /** Takes one back. False when there is none of this id. */
  remove(id: string): Promise<boolean>;

  /** Undefined when nothing has changed since `version`. MAY still have some that have ended. */
  changedSince(version: string): Promise<RevocationState | undefined>;
}

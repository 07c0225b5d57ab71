import type { Channel } from "@fanfare/domain";

/** Who a client is and what its token grants. What it may do with a grant is decided by the rules. */
export interface Identity {
  readonly user?: string;
  /** Channels and `prefix:*` patterns granted for subscribing, history and presence. */
  readonly channels: readonly string[];
  /** The same for publishing. */
  readonly publish: readonly string[];
  /** Channels to subscribe to at once. */
  readonly join: readonly Channel[];
  /** Shown to others in presence. */
  readonly info?: unknown;
  /** Milliseconds since 1970. Absent without a token. */
  readonly expiresAt?: number;
  /** When the token was issued, in milliseconds since 1970, where it says so. */
  readonly issuedAt?: number;
  /** The token's own id, where it has one. */
  readonly tokenId?: string;
}

/** A client that showed no token. */
export const anonymous: Identity = Object.freeze({ channels: [], publish: [], join: [] });

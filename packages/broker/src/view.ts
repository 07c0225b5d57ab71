import type { Redis } from "ioredis";

/** Where a server listens. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** A Redis as somebody who watches it sees it. */
export interface ServerView extends Address {
  readonly id: string;
  /** Whose claim to a slot is newer: the higher one wins, as it does between those who decide on it. */
  readonly epoch: number;
  /** What it serves as a primary: from, to, both included. */
  readonly slots: readonly (readonly [from: number, to: number])[];
}

/** What one of those who know says. */
export interface View {
  readonly servers: readonly ServerView[];
  /** Who else knows. */
  readonly knowing: readonly Address[];
}

/** Asks one of those who know, over a connection to it at `asked`. */
export type Look = (client: Redis, asked: Address) => Promise<View>;

export function serves({ slots }: ServerView, slot: number): boolean {
  return slots.some(([from, to]) => slot >= from && slot <= to);
}

import { hash, timingSafeEqual } from "node:crypto";
import { type Channel, FanfareError, type FieldError } from "@fanfare/domain";
import { covers, isPattern } from "./pattern.ts";

/** What a key may be good for. `publish` can be narrowed to channels: `publish:news`, `publish:news:*`. */
export const adminScopes = ["publish", "read", "connections", "nodes", "keys"] as const;
export type AdminScope = (typeof adminScopes)[number];

/** Whose key it is and what it opens; never the secret. */
export interface AdminKey {
  readonly name: string;
  /** Empty: everything. */
  readonly scopes: readonly string[];
  /** Milliseconds since 1970. Absent: it holds for as long as it is in the settings. */
  readonly expiresAt?: number;
}

export interface AdminKeys {
  /** How many there are; with none, nobody gets in. */
  readonly size: number;
  /** All of them, also those that have expired. */
  readonly list: readonly AdminKey[];
  /**
   * The key with this secret, also when it has expired. Takes the same time whichever it is, and whether there is one.
   */
  authenticate(presented: string): AdminKey | undefined;
}

interface Entry {
  readonly key: AdminKey;
  readonly digest: Buffer;
}

const wellFormedName = /^[A-Za-z0-9_.@-]{1,64}$/;
/** Visible ASCII, what a header can carry, without the colon that ends a secret. */
const wellFormedSecret = /^[\x21-\x39\x3b-\x7e]{1,512}$/;
const hashed = /^sha256=([0-9a-fA-F]{64})$/;

/** What stands among the scopes of a key that expires: a day, which is its last, or an instant. UTC. */
const expiry = /^until=(\d{4}-\d\d-\d\d)(T\d\d:\d\d(?::\d\d)?Z)?$/;
const dayMs = 86_400_000;

/** Reads `name:secret[:scope+scope][+until=2027-01-31]` lines. Throws `SETTINGS_INVALID` with all mistakes at once, and never a secret in them. */
export function parseAdminKeys(lines: readonly string[]): AdminKeys {
  const entries: Entry[] = [];
  const errors: FieldError[] = [];
  for (const [at, line] of lines.entries()) {
    const found = parseLine(line, entries);
    if ("key" in found) entries.push(found);
    else errors.push(...found.wrong.map((message) => ({ path: `FANFARE_ADMIN_KEYS[${at}]`, message })));
  }
  if (errors.length > 0) throw new FanfareError("SETTINGS_INVALID", { errors });

  return {
    size: entries.length,
    list: entries.map(({ key }) => key),
    authenticate(presented) {
      const digest = sha256(presented);
      let match: AdminKey | undefined;
      // No early exit: the time must not tell which key comes close.
      for (const entry of entries) if (timingSafeEqual(entry.digest, digest)) match = entry.key;
      return match;
    },
  };
}

/**
 * Whether the key is good for this. For `publish`, a scope that is narrowed to channels counts only for a `channel` that it
 * covers; without one the question is whether the key may publish everywhere.
 */
export function allows(key: AdminKey, scope: AdminScope, channel?: Channel): boolean {
  if (key.scopes.length === 0 || key.scopes.includes(scope)) return true;
  if (scope !== "publish" || channel === undefined) return false;
  return covers(publishPatterns(key), channel);
}

function publishPatterns({ scopes }: AdminKey): string[] {
  return scopes.filter((scope) => scope.startsWith("publish:")).map((scope) => scope.slice("publish:".length));
}

function parseLine(line: string, earlier: readonly Entry[]): Entry | { readonly wrong: string[] } {
  const [name = "", secret, ...rest] = line.split(":");
  if (secret === undefined) return { wrong: ["must be name:secret or name:secret:scope+scope"] };
  // A scope has colons of its own, so what stands behind the secret is put together again.
  const parts = rest.length === 0 ? [] : rest.join(":").split("+");
  const scopes = parts.filter((part) => !part.startsWith("until="));
  const ends = parts.filter((part) => part.startsWith("until="));
  const wrong: string[] = [];

  if (!wellFormedName.test(name)) wrong.push("has a name that is not 1 to 64 of A-Z a-z 0-9 _ . @ -");
  else if (earlier.some(({ key }) => key.name === name)) wrong.push(`has the name ${name}, which an earlier key has`);

  const digest = digestOf(secret);
  if (digest === undefined)
    wrong.push("has a secret that is neither visible ASCII without : and , nor sha256= and 64 hex digits");
  else if (earlier.some((entry) => entry.digest.equals(digest))) wrong.push("has the same secret as an earlier key");

  // By its number only: with a colon in a secret, what looks like a scope is a part of it.
  for (const [at, scope] of scopes.entries()) {
    if (!isScope(scope))
      wrong.push(`has a scope, number ${at + 1}, that is not one of ${adminScopes.join(", ")}, publish:<channel or prefix:*>`);
  }
  const expiresAt = ends[0] === undefined ? undefined : endOf(ends[0]);
  if (ends.length > 1 || Number.isNaN(expiresAt))
    wrong.push("does not say when it ends: until= and a day such as 2027-01-31, or 2027-01-31T12:00Z, once");
  if (digest === undefined || wrong.length > 0) return { wrong };
  return { key: { name, scopes, ...(expiresAt === undefined ? {} : { expiresAt }) }, digest };
}

/** Milliseconds since 1970, NaN for what is no such time. A day is valid to its end. */
function endOf(text: string): number {
  const [, day = "", time] = expiry.exec(text) ?? [];
  const startsAt = Date.parse(`${day}T00:00Z`);
  // Date.parse takes the 31st of February for the 3rd of March.
  if (Number.isNaN(startsAt) || !new Date(startsAt).toISOString().startsWith(day)) return Number.NaN;
  return time === undefined ? startsAt + dayMs : Date.parse(day + time);
}

function isScope(text: string): boolean {
  const known: readonly string[] = adminScopes;
  return known.includes(text) || (text.startsWith("publish:") && isPattern(text.slice("publish:".length)));
}

function digestOf(secret: string): Buffer | undefined {
  const hex = hashed.exec(secret)?.[1];
  if (hex !== undefined) return Buffer.from(hex, "hex");
  return wellFormedSecret.test(secret) && !secret.startsWith("sha256=") ? sha256(secret) : undefined;
}

function sha256(text: string): Buffer {
  return hash("sha256", text, "buffer");
}

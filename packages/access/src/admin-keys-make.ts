import { createHash, randomBytes } from "node:crypto";
import { parseAdminKeys } from "./admin-keys.ts";

export interface AdminKeyDraft {
  readonly name: string;
  /** None: everything. */
  readonly scopes?: readonly string[];
  /** `2027-01-31`, its last day, or `2027-01-31T12:00Z`. Absent: it does not expire. */
  readonly until?: string | undefined;
}

export interface NewAdminKey {
  /** What callers send. It is nowhere else: whoever loses it needs another key. */
  readonly secret: string;
  /** What belongs into FANFARE_ADMIN_KEYS; it does not give the secret away. */
  readonly line: string;
}

/** So that a scanner of repositories and logs can tell what it has found. */
const prefix = "fanfare_";
const secretBytes = 32;

/**
 * A key with a secret of 256 random bits, of which the settings get only the SHA-256: nobody guesses such a secret, so a
 * slow hash would only be slow. Throws `SETTINGS_INVALID` for a name, scope or time that FANFARE_ADMIN_KEYS would refuse.
 */
export function makeAdminKey({ name, scopes = [], until }: AdminKeyDraft): NewAdminKey {
  const secret = prefix + randomBytes(secretBytes).toString("base64url");
  const digest = createHash("sha256").update(secret).digest("hex");
  const parts = [...scopes, ...(until === undefined ? [] : [`until=${until}`])].join("+");
  const line = `${name}:sha256=${digest}${parts === "" ? "" : `:${parts}`}`;
  parseAdminKeys([line]);
  return { secret, line };
}

import { createHmac } from "node:crypto";

export const tokenSecret = "0123456789abcdef0123456789abcdef";

/** A token signed by hand: what the server accepts must not depend on who made it. Issued now, for a minute. */
export function tokenOf(claims: Readonly<Record<string, unknown>>, secret = tokenSecret): string {
  const iat = Math.floor(Date.now() / 1_000);
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const signed = `${part({ alg: "HS256", typ: "JWT" })}.${part({ iat, exp: iat + 60, ...claims })}`;
  return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
}

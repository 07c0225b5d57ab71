import { randomBytes } from "node:crypto";

/*
 * An Engine.IO session id is `<prefix>.<random>`. The prefix is the owner's: 8 hex digits, new at every start, so that an
 * id never seems to belong to a later process of the same name. Balancers can route by it as well.
 */

const prefixed = /^([0-9a-f]{8})\../;

export function newSidPrefix(): string {
  return randomBytes(4).toString("hex");
}

/** `secret`: at least 120 bits that nobody can guess, as text for a URL. */
export function newSessionId(sidPrefix: string, secret = randomBytes(15).toString("base64url")): string {
  return `${sidPrefix}.${secret}`;
}

/**
 * The session that a request belongs to, or undefined when it begins one. Of several the last, as the engine reads it: whoever
 * could name one here and none there would begin sessions that no limit of theirs has seen.
 */
export function sessionIdOf(url = ""): string | undefined {
  const query = url.indexOf("?");
  // Most requests that have none are told apart without parsing.
  if (query === -1 || url.indexOf("sid=", query) === -1) return undefined;
  return new URLSearchParams(url.slice(query + 1)).getAll("sid").at(-1) || undefined;
}

/** The prefix of the node that made the id. Undefined for what cannot be one of ours. */
export function ownerOf(sessionId: string): string | undefined {
  return prefixed.exec(sessionId)?.[1];
}

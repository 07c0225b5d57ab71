import { randomBytes } from "node:crypto";

/** A name for a channel's new epoch: 48 random bits, because it only has to differ from the channel's earlier ones. */
export function newEpoch(): string {
  return randomBytes(6).toString("base64url");
}

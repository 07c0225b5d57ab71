import { FanfareError, limits } from "@fanfare/domain";

/**
 * Throws `JSON_TOO_DEEP` for what is nested more deeply than {@link limits.jsonDepthMax}. Whatever is sent back to a client
 * must have passed this: JSON is parsed by a loop, but Socket.IO's encoder looks for binaries by recursion, and a message of
 * a few kilobytes is enough to overflow its stack.
 */
export function refuseTooDeep(value: unknown, depth = 0): void {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return;
  if (depth >= limits.jsonDepthMax) throw new FanfareError("JSON_TOO_DEEP");
  for (const member of Object.values(value)) refuseTooDeep(member, depth + 1);
}

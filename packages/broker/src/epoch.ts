import { randomFillSync } from "node:crypto";

/** 48 random bits: an epoch only has to differ from its channel's earlier ones. */
const epochBytes = 6;
const epochsPerDraw = 1_024;

/**
 * Makes names for channels' new epochs. Every publish brings one along, in case its channel has none, and drawing random
 * bytes one name at a time was a tenth of what publishing costs a process; so they are drawn for many at once.
 */
export function epochSource(): () => string {
  const pool = Buffer.alloc(epochBytes * epochsPerDraw);
  let at = pool.length;
  return () => {
    if (at === pool.length) {
      randomFillSync(pool);
      at = 0;
    }
    at += epochBytes;
    return pool.toString("base64url", at - epochBytes, at);
  };
}

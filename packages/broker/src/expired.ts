import type { Publication } from "@fanfare/domain";

/** What is left of the content of a publication whose time to live is over. */
export const expiredPayload: Pick<Publication, "payload" | "expired"> = {
  payload: { json: "null", binary: false },
  expired: true,
};

import { expect, test } from "vitest";
import { limits } from "./limits.ts";
import { publicationId } from "./publication-id.ts";

test.each(["k", "__proto__", "with spaces", "ünïcödé \u{1f600}", "\u0000", "x".repeat(limits.idLengthMax)])(
  "%j is an id, to the letter",
  (text) => {
    expect(publicationId(text)).toBe(text);
  },
);

test.each([undefined, null, 1, {}, "", "\ud800", "a\udc00b", "x".repeat(limits.idLengthMax + 1)])(
  "%j is none, and the refusal says which field",
  (text) => {
    expect(() => publicationId(text, "/publications/3/id")).toThrow(
      expect.objectContaining({ code: "REQUEST_INVALID", errors: [expect.objectContaining({ path: "/publications/3/id" })] }),
    );
  },
);

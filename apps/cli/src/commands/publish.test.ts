import { expect, test } from "vitest";
import { publishBody } from "./publish.ts";

const traceparent = `00-${"1".repeat(32)}-${"2".repeat(16)}-01`;

test.each([["9007199254740993"], ['{ "a" : [] }'], ['"\\u2028"'], ["null"], ['""']])("%s is sent to the byte", (json) => {
  expect(publishBody("news", `${json}\n`, { event: "e", id: "i", traceparent })).toBe(
    `{"channel":"news","event":"e","id":"i","traceparent":"${traceparent}","data":${json}}`,
  );
});

test("what is not given is not sent", () => {
  expect(publishBody("news", "1", {})).toBe('{"channel":"news","data":1}');
});

test("what is neither JSON nor a channel is refused before anything is sent", () => {
  expect(() => publishBody("news", '1,"channel":"other"', {})).toThrow(expect.objectContaining({ code: "JSON_INVALID" }));
  expect(() => publishBody("no spaces", "1", {})).toThrow(expect.objectContaining({ code: "CHANNEL_INVALID" }));
});

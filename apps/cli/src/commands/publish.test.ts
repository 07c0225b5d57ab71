import { tmpdir } from "node:os";
import { expect, test } from "vitest";
import { answering } from "../../test/admin-api.ts";
import { fanfare } from "../../test/command.ts";
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

const published = { channel: "news", epoch: "e", offset: 7, duplicate: false, receipt: "/v1/publications/news/e:7" };
const run = (url: string, ...flags: string[]) =>
  fanfare(["publish", "news", "1", ...flags], { cwd: tmpdir(), env: { FANFARE_ADMIN_URL: url } });

test.each([
  ["there is none any more", [404, { code: "RECEIPT_UNKNOWN", detail: "Gone." }], "Gone. (RECEIPT_UNKNOWN)"],
  ["the broker stays away", [503, { code: "BROKER_UNAVAILABLE", detail: "Away." }], "Away. (BROKER_UNAVAILABLE)"],
  ["the admin API goes away", "cut", "No answer from an admin API"],
] as const)("what is stored is told, and ends with 3, though its receipt cannot be read: %s", async (_, answer, why) => {
  const { address, asked } = await answering([200, published], answer);
  const { code, out, err } = await run(address.url, "--receipt", "--wait", "1s");
  expect({ code, out }).toEqual({ code: 3, out: `${JSON.stringify(published)}\n` });
  expect(err).toContain(`It is published, but its receipt ${published.receipt} could not be read: ${why}`);
  expect(asked.filter((request) => !request.startsWith("GET"))).toEqual(["POST /v1/publish?receipt=true"]);
});

test("a receipt stands in place of its address, and what has none ends well, too", async () => {
  const receipt = { unsent: 0, nodesMissing: [] };
  const { address } = await answering([200, published], [200, receipt]);
  expect(await run(address.url, "--receipt")).toEqual({
    code: 0,
    out: `${JSON.stringify({ ...published, receipt })}\n`,
    err: "",
  });
  const none = { ...published, receipt: false };
  const beyond = await answering([200, none]);
  expect(await run(beyond.address.url, "--receipt")).toEqual({ code: 0, out: `${JSON.stringify(none)}\n`, err: "" });
});

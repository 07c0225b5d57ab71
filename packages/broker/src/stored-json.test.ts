import { expect, test } from "vitest";
import { isNumber, isText, isTextOrNull, isUrl, storedJson } from "./stored-json.ts";

const shape = { node: isText, peerUrl: isUrl, user: isTextOrNull, at: isNumber };
const right = { node: "n", peerUrl: "http://127.0.0.1:1", user: null, at: 1 };

function read(text: string): { value: object | undefined; unreadable: number } {
  let unreadable = 0;
  const value = storedJson(text, shape, { unreadable: () => void unreadable++ });
  return { value, unreadable };
}

test("what a node has written is read, also when a later version has added to it", () => {
  expect(read(JSON.stringify({ ...right, more: [1] }))).toEqual({ value: { ...right, more: [1] }, unreadable: 0 });
});

test.each([
  "",
  "{",
  "null",
  "7",
  '"text"',
  "[]",
  JSON.stringify({ ...right, node: 1 }),
  JSON.stringify({ ...right, peerUrl: "not a URL" }),
  JSON.stringify({ ...right, peerUrl: "ftp://127.0.0.1:1" }),
  JSON.stringify({ ...right, user: {} }),
  JSON.stringify({ ...right, at: "1" }),
  '{"__proto__":{"node":"n","peerUrl":"http://a","user":null,"at":1}}',
  "[".repeat(100_000),
])("what none can have written is counted and passed over: %.40s", (text) => {
  expect(read(text)).toEqual({ value: undefined, unreadable: 1 });
});

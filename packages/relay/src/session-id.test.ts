import { expect, test } from "vitest";
import { newSessionId, newSidPrefix, ownerOf, sessionIdOf } from "./session-id.ts";

test("a session id carries its owner's prefix and is unlike every other", () => {
  const prefix = newSidPrefix();
  const ids = new Set(Array.from({ length: 1_000 }, () => newSessionId(prefix)));
  expect(ids.size).toBe(1_000);
  for (const id of ids) expect(ownerOf(id)).toBe(prefix);
});

test.each([
  ["/socket.io/?EIO=4&transport=polling", undefined],
  ["/socket.io/", undefined],
  ["/socket.io/?sid=", undefined],
  ["/socket.io/?EIO=4&sid=0123abcd.x&t=1", "0123abcd.x"],
  ["/socket.io/?sid=0123abcd%2Ex", "0123abcd.x"],
  ["/sid=0123abcd.x", undefined],
  ["/socket.io/?sid=0123abcd.x&sid=", undefined],
  ["/socket.io/?sid=0123abcd.x&%73id=", undefined],
  ["/socket.io/?sid=&sid=0123abcd.x", "0123abcd.x"],
  ["/socket.io/?sid=89abcdef.y&sid=0123abcd.x", "0123abcd.x"],
])("the session of %s is %s", (url, sid) => {
  expect(sessionIdOf(url)).toBe(sid);
});

test.each(["", "abc", "0123abcd", "0123ABCD.x", "0123abcde.x", "__proto__.x", "../../x.y", "0123abc@evil.example.x"])(
  "%j is nobody's session id",
  (id) => {
    expect(ownerOf(id)).toBeUndefined();
  },
);

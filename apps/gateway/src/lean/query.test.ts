import { expect, test } from "vitest";
import { queryOf } from "./query.ts";

test.each([
  "/socket.io/?EIO=4&transport=websocket",
  "/socket.io/?EIO=4&transport=polling&t=Pabc_1.x&sid=0a1b2c3d.x-Y_z",
  "/socket.io/?EIO=4&EIO=3",
  "/socket.io/?a=%20b+c&%61=x&__proto__=1",
  "/socket.io/?&&a&=b&c==d",
  "/socket.io/?a=ü",
  "/socket.io/?",
])("%s has the parameters that Engine.IO reads", (url) => {
  const engineIo = Object.fromEntries(new URL(url, "https://socket.io").searchParams.entries());
  expect(queryOf(url)).toEqual(engineIo);
});

test("channels are a list, however they are given", () => {
  expect(queryOf("/socket.io/?EIO=4&channel=a&channel=b").channel).toBe("a,b");
  expect(queryOf("/socket.io/?channel=a%2Cb&x=1").channel).toBe("a,b");
  expect(queryOf("/socket.io/?channel=public:a").channel).toBe("public:a");
});

test("a URL without a query has no parameters", () => {
  expect(queryOf("/socket.io/")).toEqual({});
  expect(queryOf(undefined)).toEqual({});
});

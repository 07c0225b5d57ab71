import { expect, test } from "vitest";
import { publicUrl } from "./config.ts";

const page = "http://cluster.example:9000/console/";

test("the page's own address wins over the configured one", () => {
  expect(publicUrl(`${page}?url=https%3A%2F%2Flive.example`, "http://other.example:1")).toBe("https://live.example");
});

test("the configured address is used without its path", () => {
  expect(publicUrl(page, "http://live.example:8123/socket.io/")).toBe("http://live.example:8123");
});

test("without any, it is this host at the default port", () => {
  expect(publicUrl(page, null)).toBe("http://cluster.example:8000");
});

test("an address that no socket can go to is refused", () => {
  expect(() => publicUrl(`${page}?url=nonsense`, null)).toThrow();
  expect(() => publicUrl(`${page}?url=javascript:alert(1)`, null)).toThrow();
});

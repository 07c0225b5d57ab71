import type { FanfareError } from "@fanfare/domain";
import { expect, test } from "vitest";
import { parseRedisUrl } from "./redis-url.ts";

test.each([
  ["redis://cache", { host: "cache", port: 6379 }],
  ["redis://cache:7000/3", { host: "cache", port: 7000, db: 3 }],
  ["redis://cache?db=4", { host: "cache", port: 6379, db: 4 }],
  ["redis://:s%40cret@cache", { host: "cache", port: 6379, password: "s@cret" }],
  ["redis://ann:pw@cache:1", { host: "cache", port: 1, username: "ann", password: "pw" }],
  ["redis://[::1]:7000", { host: "::1", port: 7000 }],
  ["rediss://cache", { host: "cache", port: 6379, tls: {} }],
  ["/run/redis.sock", { path: "/run/redis.sock" }],
  ["redis+unix:///run/redis.sock", { path: "/run/redis.sock" }],
  ["redis+unix:///run/my%20redis.sock?db=2", { path: "/run/my redis.sock", db: 2 }],
  [
    "redis+sentinel://a,b:26380/main",
    {
      sentinels: [
        { host: "a", port: 26379 },
        { host: "b", port: 26380 },
      ],
      name: "main",
    },
  ],
  [
    "redis+sentinel://ann:pw@a:1/main?db=1&sentinelPassword=spw",
    { sentinels: [{ host: "a", port: 1 }], name: "main", username: "ann", password: "pw", db: 1, sentinelPassword: "spw" },
  ],
])("%s is understood", (url, options) => {
  expect(parseRedisUrl(url)).toEqual(options);
});

test.each([
  ["", "starts with"],
  ["cache:6379", "starts with"],
  ["http://cache", "starts with"],
  ["redis://", "host"],
  ["redis://cache:port", "cannot be parsed"],
  ["redis://cache/news", "database"],
  ["redis+unix://", "path"],
  ["redis+sentinel://a:1", "Sentinel URL"],
  ["redis+sentinel://a:x/main", "cannot be parsed"],
])("%s is refused, and the refusal says why", (url, why) => {
  expect(refusalOf(url)).toMatchObject({ code: "SETTINGS_INVALID", message: expect.stringContaining(why) as string });
});

test("a refusal does not tell the password, not even in its cause", () => {
  const refusal = refusalOf("redis://ann:s3cret@:bad:port");
  expect(`${refusal.message} ${String(refusal.cause)}`).not.toContain("s3cret");
});

function refusalOf(url: string): FanfareError {
  try {
    parseRedisUrl(url);
  } catch (thrown) {
    return thrown as FanfareError;
  }
  return expect.fail("it was accepted");
}

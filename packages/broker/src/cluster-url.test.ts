import { FanfareError } from "@fanfare/domain";
import { expect, test } from "vitest";
import { parseClusterUrl } from "./redis-url.ts";

test.each([
  ["redis+cluster://a", { seeds: [{ host: "a", port: 6379 }], login: {}, partitions: 8 }],
  [
    "redis+cluster://a:1,b:2,[::1]:3/",
    {
      seeds: [
        { host: "a", port: 1 },
        { host: "b", port: 2 },
        { host: "::1", port: 3 },
      ],
      login: {},
      partitions: 8,
    },
  ],
  [
    "redis+cluster://ann:p%40w@a:1?partitions=64",
    { seeds: [{ host: "a", port: 1 }], login: { username: "ann", password: "p@w" }, partitions: 64 },
  ],
  ["rediss+cluster://:pw@a", { seeds: [{ host: "a", port: 6379 }], login: { password: "pw", tls: {} }, partitions: 8 }],
])("%s is understood", (url, target) => {
  expect(parseClusterUrl(url)).toEqual(target);
});

test.each(["redis://a", "redis+sentinel://a/main", "/tmp/redis.sock", "", "http://a"])("%s is no cluster's", (url) => {
  expect(parseClusterUrl(url)).toBeUndefined();
});

test.each([
  ["redis+cluster://", "Cluster URL"],
  ["redis+cluster://a/1", "Cluster URL"],
  ["redis+cluster://a,,b", "host"],
  ["redis+cluster://a:x", "cannot be parsed"],
  ["redis+cluster://a?partitions=0", "1 to 64"],
  ["redis+cluster://a?partitions=65", "1 to 64"],
  ["redis+cluster://a?partitions=1e1", "1 to 64"],
  ["redis+cluster://a?partition=4", "partition"],
])("%s is refused, and the refusal says why", (url, why) => {
  expect(() => parseClusterUrl(url)).toThrow(FanfareError);
  expect(() => parseClusterUrl(url)).toThrow(why);
});

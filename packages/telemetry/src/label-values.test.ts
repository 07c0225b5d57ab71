import { expect, test } from "vitest";
import { allLabels, labelValues } from "./label-values.ts";

test("values that are listed are known, with or without an explanation", () => {
  expect(labelValues("websocket, polling")).toEqual(["websocket", "polling"]);
  expect(labelValues("held (it gets nothing more, for a while), caught_up")).toEqual(["held", "caught_up"]);
  expect(labelValues("amqp, redis-stream")).toEqual(["amqp", "redis-stream"]);
});

test("what is described is not taken for a list", () => {
  expect(labelValues("ok, or the error code")).toBeUndefined();
  expect(labelValues("the route's pattern, never the address asked for")).toBeUndefined();
});

test("all combinations, or none where one label is open", () => {
  expect(allLabels({ kind: "poll, post", outcome: "ok, failed" })).toEqual([
    { kind: "poll", outcome: "ok" },
    { kind: "poll", outcome: "failed" },
    { kind: "post", outcome: "ok" },
    { kind: "post", outcome: "failed" },
  ]);
  expect(allLabels({ kind: "poll, post", code: "an error code" })).toBeUndefined();
  expect(allLabels({})).toEqual([{}]);
});

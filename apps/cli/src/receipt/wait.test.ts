import { expect, test } from "vitest";
import { answering } from "../../test/admin-api.ts";
import { Failure } from "../failure.ts";
import { waitForReceipt } from "./wait.ts";

const done = { unsent: 0, nodesMissing: [] };

test("it is read until every node has spoken and nothing waits", async () => {
  const { address, asked } = await answering(
    [200, { unsent: 0, nodesMissing: ["a"] }],
    [503, { code: "BROKER_UNAVAILABLE" }],
    [200, { unsent: 1, nodesMissing: [] }],
    [200, done],
  );
  expect(await waitForReceipt(address, "/v1/publications/a/1", 60_000)).toEqual(done);
  expect(asked).toHaveLength(4);
});

test("when the time is over it is told as it stands", async () => {
  const unfinished = { unsent: 3, nodesMissing: ["a"] };
  const { address } = await answering([200, unfinished]);
  expect(await waitForReceipt(address, "/v1/publications/a/1", 0)).toEqual(unfinished);
});

test("what will not come is not waited for", async () => {
  const { address, asked } = await answering([404, { code: "RECEIPT_UNKNOWN", title: "There is none." }]);
  await expect(waitForReceipt(address, "/v1/publications/a/1", 60_000)).rejects.toThrow(Failure);
  expect(asked).toHaveLength(1);
});

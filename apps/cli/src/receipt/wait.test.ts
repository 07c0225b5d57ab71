import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { Failure } from "../failure.ts";
import { waitForReceipt } from "./wait.ts";

let server: Server | undefined;
afterEach(() => server?.close());

/** An admin API that gives these answers in turn, the last one for ever. */
async function answering(...answers: readonly (readonly [status: number, body: object])[]) {
  let asked = 0;
  server = createServer((_, response) => {
    const [status, body] = answers[Math.min(asked++, answers.length - 1)] ?? [500, {}];
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { address: { url: `http://127.0.0.1:${port}`, key: undefined }, asked: () => asked };
}

const done = { unsent: 0, nodesMissing: [] };

test("it is read until every node has spoken and nothing waits", async () => {
  const { address, asked } = await answering(
    [200, { unsent: 0, nodesMissing: ["a"] }],
    [503, { code: "BROKER_UNAVAILABLE" }],
    [200, { unsent: 1, nodesMissing: [] }],
    [200, done],
  );
  expect(await waitForReceipt(address, "/v1/publications/a/1", 60_000)).toEqual(done);
  expect(asked()).toBe(4);
});

test("when the time is over it is told as it stands", async () => {
  const unfinished = { unsent: 3, nodesMissing: ["a"] };
  const { address } = await answering([200, unfinished]);
  expect(await waitForReceipt(address, "/v1/publications/a/1", 0)).toEqual(unfinished);
});

test("what will not come is not waited for", async () => {
  const { address, asked } = await answering([404, { code: "RECEIPT_UNKNOWN", title: "There is none." }]);
  await expect(waitForReceipt(address, "/v1/publications/a/1", 60_000)).rejects.toThrow(Failure);
  expect(asked()).toBe(1);
});

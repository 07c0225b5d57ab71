import { afterAll, beforeAll, expect, test } from "vitest";
import { type Control, startControl } from "./control.ts";

const killed: string[] = [];
let control: Control;
beforeAll(async () => {
  control = await startControl({
    adminKeys: ["all:all-secret", "reader:read-secret:read"],
    kill: (node) => node === "a b" && killed.push(node) > 0,
  });
});
afterAll(() => control.close());

const ask = (path: string, key?: string, method = "POST") =>
  fetch(control.url + path, { method, headers: key === undefined ? {} : { authorization: `Bearer ${key}` } });

test("a node is killed for a key that may act on nodes, and for nobody else", async () => {
  for (const [status, key] of [
    [401, undefined],
    [401, "wrong"],
    [403, "read-secret"],
  ] as const) {
    expect((await ask("/nodes/a%20b/kill", key)).status).toBe(status);
  }
  expect(killed).toEqual([]);
  expect((await ask("/nodes/a%20b/kill", "all-secret")).status).toBe(202);
  expect(killed).toEqual(["a b"]);
});

test("what is not there is not killed, and a broken address breaks nothing", async () => {
  expect((await ask("/nodes/other/kill", "all-secret")).status).toBe(404);
  expect((await ask("/nodes/a%20b/kill", "all-secret", "GET")).status).toBe(404);
  expect((await ask("/nodes/%zz/kill", "all-secret")).status).toBe(500);
  expect((await ask("/nodes/other/kill", undefined, "OPTIONS")).status).toBe(204);
});

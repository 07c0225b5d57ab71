import type { NodeRecord } from "@fanfare/domain";
import { beforeEach, expect, test } from "vitest";
import { Owners } from "./owners.ts";

let nowMs: number;
let nodes: NodeRecord[];
let readings: number;
let away: boolean;
let owners: Owners;

beforeEach(() => {
  nowMs = 0;
  nodes = [node("aaaaaaaa"), node("bbbbbbbb")];
  readings = 0;
  away = false;
  const read = async (): Promise<NodeRecord[]> => {
    readings++;
    if (away) throw new Error("the directory is away");
    return nodes;
  };
  owners = new Owners(read, { monotonic: () => nowMs });
});

function node(sidPrefix: string): NodeRecord {
  const peerUrl = `http://${sidPrefix}:8100`;
  return { node: sidPrefix, sidPrefix, peerUrl, startedAt: 0, connections: 0, state: "ready", version: "" };
}

test("one reading serves everybody for a second", async () => {
  const asked = await Promise.all(Array.from({ length: 100 }, () => owners.resolve("aaaaaaaa")));
  expect(new Set(asked)).toEqual(new Set(["http://aaaaaaaa:8100"]));
  expect(await owners.resolve("bbbbbbbb")).toBe("http://bbbbbbbb:8100");
  expect(readings).toBe(1);
  nowMs += 1_000;
  await owners.resolve("aaaaaaaa");
  expect(readings).toBe(2);
});

test("a node that has just come is found, though the list is fresh", async () => {
  await owners.resolve("aaaaaaaa");
  nodes.push(node("cccccccc"));
  nowMs += 100;
  expect(await owners.resolve("cccccccc")).toBe("http://cccccccc:8100");
});

test("prefixes that nobody has cost at most ten readings a second, however many ask", async () => {
  for (; nowMs < 1_000; nowMs++) expect(await owners.resolve(nowMs.toString(16).padStart(8, "0"))).toBeUndefined();
  expect(readings).toBeLessThanOrEqual(10);
});

test("a node that is gone is forgotten within a second", async () => {
  await owners.resolve("aaaaaaaa");
  nodes.shift();
  nowMs += 1_000;
  expect(await owners.resolve("aaaaaaaa")).toBeUndefined();
});

test("while the directory is away the last list stays good", async () => {
  await owners.resolve("aaaaaaaa");
  away = true;
  nowMs += 3_600_000;
  expect(await owners.resolve("aaaaaaaa")).toBe("http://aaaaaaaa:8100");
  expect(await owners.resolve("cccccccc")).toBeUndefined();
});

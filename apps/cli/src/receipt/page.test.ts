import type { ReceiptAnswer } from "@fanfare/domain";
import picocolors from "picocolors";
import { expect, test } from "vitest";
import { receiptText } from "./page.ts";

const plain = picocolors.createColors(false);
const none = { unsent: 0, dropped: 0, recovered: 0 };
const receipt = (nodes: ReceiptAnswer["nodes"], nodesMissing: string[] = []): ReceiptAnswer => ({
  ...{ channel: "news", epoch: "e", offset: 1, at: 1, until: 2, nodes, nodesMissing },
  ...{ sessions: 1_203, written: 1_201, unsent: 1, dropped: 1, recovered: 0 },
});

test("the nodes, their sum and what is missing stand beneath each other", () => {
  const nodes = [
    { node: "gateway-1", sessions: 1_200, written: 1_199, unsent: 0, dropped: 1, recovered: 0 },
    { node: "gateway-2", sessions: 3, written: 2, unsent: 1, dropped: 0, recovered: 0 },
  ];
  expect(receiptText(receipt(nodes, ["gateway-3"]), plain)).toBe(
    [
      "           sessions   written    unsent   dropped recovered",
      "gateway-1      1200      1199         0         1         0",
      "gateway-2         3         2         1         0         0",
      "all            1203      1201         1         1         0",
      "nothing known of gateway-3",
      "",
    ].join("\n"),
  );
});

test("one node needs no sum, and none is said in one line", () => {
  const one = receiptText(receipt([{ node: "a", sessions: 1_203, written: 1_203, ...none }]), plain);
  expect(one.split("\n")).toHaveLength(3);
  expect(receiptText(receipt([]), plain).split("\n")).toHaveLength(3);
});

test("it is 80 columns wide at most, whatever nodes are called", () => {
  const node = "n".repeat(200);
  const text = receiptText(receipt([{ node, sessions: 1, written: 1, ...none }], [node]), plain);
  for (const line of text.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
});

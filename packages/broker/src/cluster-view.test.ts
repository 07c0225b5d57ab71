import { expect, test } from "vitest";
import { parseClusterNodes } from "./cluster-view.ts";
import { serves } from "./view.ts";

const asked = { host: "seed", port: 7_000 };
const answer = `\
a1 10.0.0.1:7000@17000 myself,master - 0 1700000000000 3 connected 0-5460 [5461->-b2] [93-<-b2] 6000
b2 10.0.0.2:7001@17001,redis-2.example,shard-id=x master - 0 1700000000000 12 connected 5461-5999
c3 ::1:7002@17002 slave a1 0 1700000000000 3 connected
d4 :0@0 slave,fail,noaddr a1 0 0 3 disconnected
e5 10.0.0.5:7005@17005 handshake - 0 0 0 connected
f6 10.0.0.6:7006@17006 master,fail - 0 0 9 disconnected 6001-16383
`;

test("nodes are read with their addresses, epochs and slots, and those that cannot be asked are left out", () => {
  expect(parseClusterNodes(answer, asked)).toEqual([
    {
      id: "a1",
      host: "10.0.0.1",
      port: 7_000,
      epoch: 3,
      slots: [
        [0, 5_460],
        [6_000, 6_000],
      ],
    },
    { id: "b2", host: "10.0.0.2", port: 7_001, epoch: 12, slots: [[5_461, 5_999]] },
    { id: "c3", host: "::1", port: 7_002, epoch: 3, slots: [] },
    { id: "f6", host: "10.0.0.6", port: 7_006, epoch: 9, slots: [[6_001, 16_383]] },
  ]);
});

test("a node that does not know its own address is where it was asked", () => {
  expect(parseClusterNodes("a1 :7000@17000 myself,master - 0 0 0 connected", asked)).toMatchObject([asked]);
});

test("a slot is served by the node whose ranges contain it, edges included", () => {
  const [node] = parseClusterNodes(answer, asked);
  if (node === undefined) expect.fail("no node");
  expect([0, 5_460, 5_461, 93, 6_000, 6_001].map((slot) => serves(node, slot))).toEqual([true, true, false, true, true, false]);
});

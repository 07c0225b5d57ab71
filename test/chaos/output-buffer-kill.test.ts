import type { Cluster } from "@fanfare/test-support";
import { expect } from "vitest";
import { chaos } from "./chaos.ts";

chaos({
  name: "output buffer of a frozen node's subscriber connection overflows",
  // Enough for the buffer. With more, the polls that come after it take the stock client in Node minutes: it copies all it
  // has of an answer at every chunk (xmlhttprequest-ssl).
  payloadBytes: 2_048,
  // A unix socket: its kernel buffer is small, so what a frozen node does not read piles up in Redis.
  cluster: { redis: { args: ["--client-output-buffer-limit", "pubsub 128kb 64kb 2"] } },
  async strike({ cluster, random, aMoment, lasting }) {
    await aMoment();
    const before = await subscriberConnections(cluster);
    const node = random.pick(cluster.gateways);
    node.signal("SIGSTOP");
    await lasting(3_000, 10_000);
    const during = await subscriberConnections(cluster);
    node.signal("SIGCONT");
    // Otherwise the fault has not happened.
    expect(during).toBe(before - 1);
  },
});

async function subscriberConnections({ redis }: Cluster): Promise<number> {
  const list = String(await redis.cli("client", "list", "type", "pubsub"));
  return list.split("\n").filter((line) => line.includes("fanfare-subscriber")).length;
}

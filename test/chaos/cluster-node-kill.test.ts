import { parseBookmark } from "@fanfare/domain";
import { startRedisCluster } from "@fanfare/test-support";
import { expect } from "vitest";
import { chaosOn } from "./chaos.ts";

chaosOn(startRedisCluster, {
  name: "SIGKILL of a node on a Redis Cluster",
  movesClients: true,
  async strike({ cluster, clients, channels, random, aMoment }) {
    await aMoment();
    // What the clients come back with is a vector: five of its places move, each on a primary of its own.
    const bookmark = clients[0]?.publications(channels[0] ?? "").at(-1)?.bookmark;
    expect(parseBookmark(String(bookmark))?.seqs.filter((seq) => seq > 0).length).toBeGreaterThanOrEqual(channels.length);
    await cluster.kill(random.pick(cluster.liveGateways), "SIGKILL");
  },
});

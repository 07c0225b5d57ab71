import { startRedisCluster, until } from "@fanfare/test-support";
import { caughtUp } from "./caught-up.ts";
import { chaosOn } from "./chaos.ts";

chaosOn(() => startRedisCluster({ replicas: 1 }), {
  name: "SIGKILL of a primary of a Redis Cluster",
  async strike({ cluster, channels, random, aMoment }) {
    const { redis } = cluster;
    await aMoment();
    // The partition of one of the channels, and whatever else lives with it.
    const key = `{${random.between(0, channels.length - 1)}}`;
    const primary = await redis.primaryOf(key);
    const [replica] = await redis.replicasOf(primary);
    if (replica === undefined) throw new Error("There is nobody to take over.");
    await caughtUp(primary, replica);
    await primary.kill();
    await until(async () => ((await redis.primaryOf(key)) === replica ? undefined : "the replica has not taken over"), 15_000);
  },
});

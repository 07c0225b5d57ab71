import { startSentinel, until } from "@fanfare/test-support";
import { caughtUp } from "./caught-up.ts";
import { chaosOn } from "./chaos.ts";

chaosOn(startSentinel, {
  name: "Sentinel failover",
  async strike({ cluster, aMoment }) {
    const { redis } = cluster;
    await aMoment();
    const primary = await redis.primary();
    const [replica] = redis.servers.filter((server) => server !== primary);
    if (replica === undefined) throw new Error("There is nobody to take over.");
    await caughtUp(primary, replica);
    await primary.kill();
    await until(async () => ((await redis.primary()) === replica ? undefined : "the replica has not taken over"), 15_000);
  },
});

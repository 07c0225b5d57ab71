import { startSentinel, until } from "@fanfare/test-support";
import { chaosOn } from "./chaos.ts";

chaosOn(startSentinel, {
  name: "Sentinel failover to a replica that lags behind",
  losesLog: true,
  async strike({ cluster, aMoment, lasting }) {
    const { redis } = cluster;
    await aMoment();
    const primary = await redis.primary();
    const [replica] = redis.servers.filter((server) => server !== primary);
    if (replica === undefined) throw new Error("There is nobody to take over.");
    // It follows an address where nobody is. The sentinels set that right, but later than this.
    await replica.cli("replicaof", "127.0.0.1", "1");
    await lasting(500, 2_000);
    await primary.kill();
    await until(async () => ((await redis.primary()) === replica ? undefined : "the replica has not taken over"), 15_000);
  },
});

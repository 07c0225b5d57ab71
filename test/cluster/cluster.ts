import { type Cluster, type ClusterOptions, startCluster } from "@fanfare/test-support";
import { test as plain } from "vitest";

/** A test with a cluster of its own. `test.override({ clusterOptions })` says which; its log is printed when the test fails. */
export const test = plain.extend<{ clusterOptions: ClusterOptions; cluster: Cluster }>({
  clusterOptions: {},
  cluster: async ({ clusterOptions, onTestFailed }, use) => {
    const cluster = await startCluster(clusterOptions);
    onTestFailed(() => console.error(cluster.log()));
    await use(cluster);
    await cluster.stop();
  },
});

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

interface Kept {
  cluster?: Cluster;
  options?: ClusterOptions;
}

/**
 * As {@link test}, for tests that each have channels of their own: a cluster goes on to the next test of the file that wants
 * the same one, unless the last has failed or has ended a process.
 */
export const sharing = plain.extend<{ clusterOptions: ClusterOptions; kept: Kept; cluster: Cluster }>({
  clusterOptions: {},
  kept: [
    // biome-ignore lint/correctness/noEmptyPattern: Vitest reads from the pattern what a fixture needs.
    async ({}, use) => {
      const kept: Kept = {};
      await use(kept);
      await kept.cluster?.stop();
    },
    { scope: "file" },
  ],
  cluster: async ({ clusterOptions, kept, onTestFailed }, use) => {
    if (kept.options !== clusterOptions || kept.cluster === undefined) {
      await kept.cluster?.stop();
      kept.cluster = await startCluster(clusterOptions);
      kept.options = clusterOptions;
    }
    const { cluster } = kept;
    const processes = [...cluster.gateways, ...cluster.admins].length;
    let failed = false;
    onTestFailed(() => {
      failed = true;
      console.error(cluster.log());
    });
    await use(cluster);
    for (const client of cluster.clients) client.close();
    const now = [...cluster.gateways, ...cluster.admins];
    if (failed || now.length > processes || now.some(({ alive }) => !alive)) delete kept.options;
  },
});

import { chaos } from "./chaos.ts";

chaos({
  name: "SIGTERM of a node",
  movesClients: true,
  async strike({ cluster, random, aMoment }) {
    await aMoment();
    await cluster.kill(random.pick(cluster.liveGateways), "SIGTERM");
  },
});

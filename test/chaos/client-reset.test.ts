import { chaos } from "./chaos.ts";

chaos({
  name: "all client connections reset",
  async strike({ cluster, random, aMoment }) {
    for (let times = random.between(1, 2); times > 0; times--) {
      await aMoment();
      cluster.balancer.cut();
    }
  },
});

import { chaos } from "./chaos.ts";

chaos({
  name: "CLIENT KILL TYPE pubsub, all nodes",
  async strike({ cluster, random, aMoment }) {
    for (let times = random.between(1, 3); times > 0; times--) {
      await aMoment();
      await cluster.redis.cli("client", "kill", "type", "pubsub");
    }
  },
});

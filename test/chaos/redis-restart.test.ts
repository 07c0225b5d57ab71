import { chaos } from "./chaos.ts";

chaos({
  name: "Redis restart with AOF",
  cluster: { redis: { appendOnly: true } },
  async strike({ cluster, aMoment }) {
    await aMoment();
    await cluster.redis.kill();
    await aMoment();
    await cluster.redis.restart();
  },
});

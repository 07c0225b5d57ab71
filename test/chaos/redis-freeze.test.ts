import { chaos } from "./chaos.ts";

chaos({
  name: "Redis SIGSTOP 15 s",
  async strike({ cluster, aMoment, lasting }) {
    await aMoment();
    cluster.redis.pause();
    await lasting(3_000, 15_000);
    cluster.redis.resume();
  },
});

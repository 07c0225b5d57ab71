import { chaos } from "./chaos.ts";

chaos({
  name: "Redis restarted empty",
  losesLog: true,
  async strike({ cluster, aMoment }) {
    await aMoment();
    await cluster.redis.kill();
    await aMoment();
    await cluster.redis.restart();
  },
});

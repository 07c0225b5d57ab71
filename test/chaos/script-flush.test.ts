import { chaos } from "./chaos.ts";

chaos({
  name: "SCRIPT FLUSH",
  async strike({ cluster, aMoment }) {
    for (let times = 0; times < 5; times++) {
      await cluster.redis.cli("script", "flush");
      await aMoment();
    }
  },
});

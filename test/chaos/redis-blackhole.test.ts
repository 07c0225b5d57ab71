import { chaos } from "./chaos.ts";

chaos({
  name: "TCP blackhole between one node and Redis, 20 s",
  cluster: { redisProxies: true },
  async strike({ cluster, random, aMoment, lasting }) {
    await aMoment();
    const { redisProxy } = random.pick(cluster.gateways);
    redisProxy?.become("blackhole");
    await lasting(5_000, 20_000);
    redisProxy?.become("pass");
  },
});

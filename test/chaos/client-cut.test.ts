import { chaos } from "./chaos.ts";

chaos({
  name: "client network cut 5 s, no FIN",
  async strike({ cluster, aMoment, lasting }) {
    await aMoment();
    cluster.balancer.become("blackhole");
    await lasting(3_000, 5_000);
    // The clients come back from another address; to the nodes their old connections are still there.
    cluster.balancer.cut("client");
    cluster.balancer.become("pass");
  },
});

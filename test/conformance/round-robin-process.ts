/*
 * The balancer in a process of its own, for runs whose clients keep theirs busy: test/runs/balancer.ts starts it. Told the
 * upstreams' ports, or "cut"; tells its port.
 */
import { startRoundRobin } from "./round-robin.ts";

let upstreams: readonly number[] = [];
const balancer = await startRoundRobin(() => upstreams);
process.on("message", (told: readonly number[] | "cut") => {
  if (told === "cut") balancer.cut();
  else upstreams = told;
});
process.once("disconnect", () => process.exit(0));
process.send?.(balancer.port);

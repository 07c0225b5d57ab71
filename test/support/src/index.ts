export { type Flaw, type Judged, judge, type Verdict } from "./checker.ts";
export {
  type AdminProcess,
  Cluster,
  type ClusterOptions,
  type GatewayProcess,
  type IngestProcess,
  type SharedRedis,
  startCluster,
  startClusterOn,
} from "./cluster.ts";
export { type FaultMode, type FaultProxy, startFaultProxy } from "./fault-proxy.ts";
export type { Acked, Entry, Fresh, Heard, Reset } from "./history.ts";
export { ManualClock } from "./manual-clock.ts";
export { type PresenceClient, PresenceWatch } from "./presence-watch.ts";
export { promised } from "./promised.ts";
export { startRabbit, type TestRabbit } from "./rabbit.ts";
export { type Random, seeded } from "./random.ts";
export { freePort, type StartRedisOptions, startRedis, type TestRedis } from "./redis.ts";
export { type StartRedisClusterOptions, startRedisCluster, type TestRedisCluster } from "./redis-cluster.ts";
export { Rest, type RestAnswer, type ToPublish } from "./rest.ts";
export { type StartSentinelOptions, startSentinel, type TestSentinel } from "./sentinel.ts";
export { type ServerProcess, startServerProcess } from "./server-process.ts";
export { type Answer, TestClient, type TestClientOptions } from "./test-client.ts";
export { until } from "./until.ts";
export { startUp, type Up, type UpOptions } from "./up.ts";

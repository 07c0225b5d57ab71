export { freePort, type StartRedisOptions, startRedis, type TestRedis } from "./redis.ts";
export { until } from "./until.ts";
export { startUp, type Up, type UpOptions } from "./up.ts";

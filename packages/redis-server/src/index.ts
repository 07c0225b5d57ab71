export type { RedisServerBinary } from "./binary.ts";
export { type FindOptions, findRedisServer } from "./find.ts";
export { endWithUs } from "./lifeline.ts";
export { type RedisServer, type StartOptions, startRedisServer } from "./start.ts";

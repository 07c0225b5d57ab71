export { type Backend, type BackendOptions, openBackend } from "./backend.ts";
export { partitionOf } from "./keys.ts";
export type { Log } from "./log.ts";
export { MemoryBroker, type MemoryBrokerOptions } from "./memory-broker.ts";
export { MemoryDirectory } from "./memory-directory.ts";
export { MemoryHub } from "./memory-hub.ts";
export { MemoryPubSub } from "./memory-pub-sub.ts";

/*
 * The law of the ports: what every implementation is held to. Each suite is called from a test file of the implementation
 * with a way to open a fresh backend, empty and shared by two nodes.
 */
export { type BrokerWorld, brokerContract, type OpenBrokerWorld } from "./broker.contract.ts";
export { type DeliveriesWorld, deliveriesContract } from "./deliveries.contract.ts";
export { type DirectoryWorld, directoryContract } from "./directory.contract.ts";
export { type LifecycleWorld, lifecycleContract } from "./lifecycle.contract.ts";
export { type PresenceWorld, presenceContract } from "./presence.contract.ts";
export { type PubSubWorld, pubSubContract } from "./pub-sub.contract.ts";
export { type QuotasWorld, quotasContract } from "./quotas.contract.ts";
export { type ReceiptsWorld, receiptsContract } from "./receipts.contract.ts";
export { type RegistryWorld, registryContract } from "./registry.contract.ts";
export { type RevocationsWorld, revocationsContract } from "./revocations.contract.ts";
export { type ScheduleWorld, scheduleContract } from "./schedule.contract.ts";
export { type SessionsWorld, sessionsContract } from "./sessions.contract.ts";

import { systemClock } from "@fanfare/domain";
import {
  brokerContract,
  deliveriesContract,
  directoryContract,
  lifecycleContract,
  presenceContract,
  pubSubContract,
  quotasContract,
  receiptsContract,
  registryContract,
  revocationsContract,
  scheduleContract,
  sessionsContract,
} from "@fanfare/domain/contract";
import { MemoryBroker } from "./memory-broker.ts";
import { MemoryDeliveries } from "./memory-deliveries.ts";
import { MemoryDirectory } from "./memory-directory.ts";
import { MemoryHub } from "./memory-hub.ts";
import { MemoryLifecycleLog } from "./memory-lifecycle.ts";
import { MemoryPresence } from "./memory-presence.ts";
import { MemoryPubSub } from "./memory-pub-sub.ts";
import { MemoryQuotas } from "./memory-quotas.ts";
import { MemoryReceipts } from "./memory-receipts.ts";
import { MemoryRegistry } from "./memory-registry.ts";
import { MemoryRevocations } from "./memory-revocations.ts";
import { MemorySchedule } from "./memory-schedule.ts";
import { MemorySessions } from "./memory-sessions.ts";

brokerContract(async (options) => {
  const pubSub = new MemoryPubSub();
  const broker = new MemoryBroker({ cluster: "test", pubSub, ...options });
  return {
    cluster: "test",
    brokers: [broker, broker],
    pubSub,
    async close() {
      await pubSub.close();
      await broker.close();
    },
  };
});

pubSubContract(async () => {
  const hub = new MemoryHub();
  const pubSubs = [new MemoryPubSub(hub), new MemoryPubSub(hub)] as const;
  return {
    pubSubs,
    async close() {
      for (const pubSub of pubSubs) await pubSub.close();
    },
  };
});

directoryContract(async () => {
  const directory = new MemoryDirectory(systemClock);
  return { directories: [directory, directory], async close() {} };
});

presenceContract(async () => {
  const pubSub = new MemoryPubSub();
  const presence = new MemoryPresence({ cluster: "test", pubSub });
  return { cluster: "test", presences: [presence, presence], pubSub, close: () => pubSub.close() };
});

sessionsContract(async () => {
  const sessions = new MemorySessions();
  return { sessions: [sessions, sessions], async close() {} };
});

receiptsContract(async () => {
  const receipts = new MemoryReceipts();
  return { receipts: [receipts, receipts], async close() {} };
});

registryContract(async () => {
  const registry = new MemoryRegistry();
  return { registries: [registry, registry], async close() {} };
});

quotasContract(async () => {
  const quotas = new MemoryQuotas();
  return { quotas: [quotas, quotas], async close() {} };
});

revocationsContract(async () => {
  const revocations = new MemoryRevocations();
  return { revocations: [revocations, revocations], async close() {} };
});

scheduleContract(async () => {
  const schedule = new MemorySchedule();
  return { schedules: [schedule, schedule], async close() {} };
});

lifecycleContract(async () => {
  const log = new MemoryLifecycleLog();
  return { logs: [log, log], async close() {} };
});

deliveriesContract(async () => {
  const deliveries = new MemoryDeliveries();
  return { deliveries: [deliveries, deliveries], async close() {} };
});

import { type Broker, systemClock } from "@fanfare/domain";
import {
  brokerContract,
  deliveriesContract,
  directoryContract,
  lifecycleContract,
  presenceContract,
  pubSubContract,
  receiptsContract,
  registryContract,
  revocationsContract,
  scheduleContract,
  sessionsContract,
} from "@fanfare/domain/contract";
import { startRedisCluster, type TestRedisCluster, until } from "@fanfare/test-support";
import { afterAll, beforeAll, describe } from "vitest";
import { codeOf } from "../test/node.ts";
import { quiet } from "../test/quiet.ts";
import { type Backend, openBackend } from "./backend.ts";
import { type ClusterConnections, connectCluster } from "./cluster-backend.ts";
import { RedisBroker } from "./redis-broker.ts";
import { parseClusterUrl } from "./redis-url.ts";

let redis: TestRedisCluster;
let worlds = 0;
beforeAll(async () => {
  redis = await startRedisCluster();
}, 30_000);
afterAll(() => redis.stop());

/** A cluster of its own is as empty as a Redis Cluster of its own. */
const newCluster = (): string => `test${++worlds}`;

async function twoNodes(cluster: string): Promise<{ nodes: readonly [Backend, Backend]; close(): Promise<void> }> {
  const open = (): Backend => openBackend({ redisUrl: redis.url, cluster, log: quiet });
  const nodes = [open(), open()] as const;
  await Promise.all(nodes.map(({ broker }) => connectedTo(broker)));
  await Promise.all(nodes.map(({ pubSub }) => pubSub.subscribe("ready{0}")));
  return {
    nodes,
    async close() {
      for (const node of nodes) await node.close();
    },
  };
}

/** A backend says no while it connects, and with so many connections a busy machine takes its time. */
async function connectedTo(broker: Pick<Broker, "ping">): Promise<void> {
  await until(() => codeOf(broker.ping()));
}

function connected(cluster: string): ClusterConnections {
  const target = parseClusterUrl(redis.url);
  if (target === undefined) throw new Error("it is not a cluster's URL");
  return connectCluster(target, cluster, quiet, systemClock);
}

describe("on a Redis Cluster of three primaries", () => {
  brokerContract(async ({ idLifeMs } = {}) => {
    const cluster = newCluster();
    const connections = [connected(cluster), connected(cluster)] as const;
    const brokerOn = ({ partitions, count }: ClusterConnections): RedisBroker =>
      new RedisBroker({
        cluster,
        partitions,
        agreed: () => count.check(),
        ...(idLifeMs === undefined ? {} : { idLifeMs }),
      });
    const brokers = [brokerOn(connections[0]), brokerOn(connections[1])] as const;
    await Promise.all(brokers.map(connectedTo));
    return {
      cluster,
      brokers,
      pubSub: connections[0].pubSub,
      async close() {
        for (const { pubSub, close } of connections) {
          await pubSub.close();
          close();
        }
        for (const broker of brokers) await broker.close();
      },
    };
  });

  pubSubContract(async () => {
    const { nodes, close } = await twoNodes(newCluster());
    return { pubSubs: [nodes[0].pubSub, nodes[1].pubSub], close };
  });

  directoryContract(async () => {
    const { nodes, close } = await twoNodes(newCluster());
    return { directories: [nodes[0].directory, nodes[1].directory], close };
  });

  receiptsContract(async () => {
    const { nodes, close } = await twoNodes(newCluster());
    return { receipts: [nodes[0].receipts, nodes[1].receipts], close };
  });

  registryContract(async () => {
    const { nodes, close } = await twoNodes(newCluster());
    return { registries: [nodes[0].registry, nodes[1].registry], close };
  });

  revocationsContract(async () => {
    const { nodes, close } = await twoNodes(newCluster());
    return { revocations: [nodes[0].revocations, nodes[1].revocations], close };
  });

  scheduleContract(async () => {
    const { nodes, close } = await twoNodes(newCluster());
    return { schedules: [nodes[0].schedule, nodes[1].schedule], close };
  });

  deliveriesContract(async () => {
    const { nodes, close } = await twoNodes(newCluster());
    return { deliveries: [nodes[0].deliveries, nodes[1].deliveries], close };
  });

  lifecycleContract(async () => {
    const { nodes, close } = await twoNodes(newCluster());
    return { logs: [nodes[0].lifecycle, nodes[1].lifecycle], close };
  });

  presenceContract(async () => {
    const cluster = newCluster();
    const { nodes, close } = await twoNodes(cluster);
    return { cluster, presences: [nodes[0].presence, nodes[1].presence], pubSub: nodes[0].pubSub, close };
  });

  sessionsContract(async () => {
    const { nodes, close } = await twoNodes(newCluster());
    return { sessions: [nodes[0].sessions, nodes[1].sessions], close };
  });
});

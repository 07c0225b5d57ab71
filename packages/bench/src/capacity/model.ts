import type { CapacityFigures } from "./figures.ts";

/** What a deployment has to carry. */
export interface Demand {
  readonly connections: number;
  readonly publicationsPerSecond: number;
  /** How many connections hear each publication. */
  readonly subscribers: number;
  /** Connections that come, for the first time or again. */
  readonly arrivalsPerSecond: number;
}

/** How far parts are loaded on purpose. */
export const headroom = {
  /** Share of a core, so that a neighbour's death, a deploy or a burst finds room. */
  busyMax: 0.6,
  /** Above that, the death of one node sends too many to the others at once. */
  connectionsMax: 50_000,
  /** Resident memory of one node, below what V8 gives itself on a machine of 4 GiB. */
  residentMibMax: 2_048,
} as const;

/** Of a session's record and of who is where, by docs/FAULTS.md: measured over 1,000 connections with 5 channels each. */
const redisBytesPerConnection = 739;

/** The figures without the number of nodes: what one part pays for one thing. */
export interface Costs {
  readonly hearMicros: number;
  readonly deliverMicros: number;
  readonly adminMicros: number;
  readonly redisMicros: number;
  /** Of Redis, for each node that hears a publication. */
  readonly redisMicrosPerNode: number;
  /** Cores of a node, and of Redis for each node that it has, while nothing is published. */
  readonly idleNodeCores: number;
  readonly idleRedisCores: number;
  readonly connection: CapacityFigures["connection"];
}

export interface Plan {
  readonly deliveriesPerSecond: number;
  readonly nodes: number;
  /** What there has to be so many nodes for. */
  readonly nodesFor: "connections" | "memory" | "CPU" | "the death of one";
  /** Nodes that hear a publication, on average. */
  readonly hearing: number;
  /** Share of a core that each node uses. */
  readonly nodeBusy: number;
  readonly nodeMib: number;
  readonly admins: number;
  readonly redisCores: number;
  readonly primaries: number;
  readonly redisMib: number;
}

/** Means over the numbers of nodes; for Redis a straight line through them, by least squares. */
export function costsOf({ nodes, connection }: CapacityFigures): Costs {
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const meanNodes = mean(nodes.map((one) => one.nodes));
  const meanRedis = mean(nodes.map(({ redisMicros }) => redisMicros));
  const over = nodes.reduce((sum, one) => sum + (one.nodes - meanNodes) * (one.redisMicros - meanRedis), 0);
  const under = nodes.reduce((sum, one) => sum + (one.nodes - meanNodes) ** 2, 0);
  // Telling one node more cannot save anything, whatever a noisy machine has measured.
  const slope = Math.max(0.5, under === 0 ? 0 : over / under);
  return {
    hearMicros: mean(nodes.map(({ hearMicros }) => hearMicros)),
    deliverMicros: mean(nodes.map(({ deliverMicros }) => deliverMicros)),
    adminMicros: mean(nodes.map(({ adminMicros }) => adminMicros)),
    redisMicros: Math.max(0, meanRedis - slope * meanNodes),
    redisMicrosPerNode: slope,
    idleNodeCores: mean(nodes.map(({ idleNodeCores }) => idleNodeCores)),
    idleRedisCores: mean(nodes.map((one) => one.idleRedisCores / one.nodes)),
    connection,
  };
}

/** On how many of the nodes somebody is, when subscribers are anywhere. */
export function hearingNodes(nodes: number, subscribers: number): number {
  return nodes * (1 - (1 - 1 / nodes) ** subscribers);
}

/** CPU of all nodes together in cores. */
export function nodeCores(costs: Costs, demand: Demand, nodes: number): number {
  const { publicationsPerSecond, subscribers, arrivalsPerSecond } = demand;
  const heard = publicationsPerSecond * hearingNodes(nodes, subscribers);
  const further = Math.max(0, publicationsPerSecond * subscribers - heard);
  const micros = heard * costs.hearMicros + further * costs.deliverMicros + arrivalsPerSecond * costs.connection.acceptMicros;
  return nodes * costs.idleNodeCores + micros / 1_000_000;
}

/** CPU of all primaries together in cores. */
export function redisCores(costs: Costs, demand: Demand, nodes: number): number {
  const { publicationsPerSecond, subscribers, arrivalsPerSecond } = demand;
  const each = costs.redisMicros + costs.redisMicrosPerNode * hearingNodes(nodes, subscribers);
  const micros = publicationsPerSecond * each + arrivalsPerSecond * costs.connection.redisMicros;
  return nodes * costs.idleRedisCores + micros / 1_000_000;
}

/** The least that carries a demand with the headroom, in one cluster. */
export function plan(costs: Costs, demand: Demand): Plan {
  const { connections, publicationsPerSecond, subscribers } = demand;
  const { busyMax, connectionsMax, residentMibMax } = headroom;
  const perNode = ((residentMibMax - costs.connection.baseMib) * 1_024) / costs.connection.kib;
  const byConnections = Math.ceil(connections / connectionsMax);
  const byMemory = Math.ceil(connections / perNode);
  let nodes = Math.max(2, byConnections, byMemory);
  // More nodes hear more: it settles, because no more of them can hear a publication than it has subscribers.
  for (;;) {
    const wanted = Math.ceil(nodeCores(costs, demand, nodes) / busyMax);
    if (wanted <= nodes) break;
    nodes = wanted;
  }
  const cores = redisCores(costs, demand, nodes);
  const nodesFor =
    nodes > Math.max(2, byConnections, byMemory)
      ? "CPU"
      : nodes > Math.max(byConnections, byMemory)
        ? "the death of one"
        : undefined;
  return {
    deliveriesPerSecond: publicationsPerSecond * subscribers,
    nodes,
    nodesFor: nodesFor ?? (byMemory > byConnections ? "memory" : "connections"),
    hearing: hearingNodes(nodes, subscribers),
    nodeBusy: nodeCores(costs, demand, nodes) / nodes,
    nodeMib: costs.connection.baseMib + (connections / nodes) * (costs.connection.kib / 1_024),
    admins: Math.max(2, Math.ceil((publicationsPerSecond * costs.adminMicros) / 1_000_000 / busyMax)),
    redisCores: cores,
    primaries: Math.max(1, Math.ceil(cores / busyMax)),
    redisMib: (connections * redisBytesPerConnection) / 2 ** 20,
  };
}

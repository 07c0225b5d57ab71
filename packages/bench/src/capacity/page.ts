import type { CapacityFigures } from "./figures.ts";
import { type Costs, costsOf, type Demand, headroom, nodeCores, type Plan, plan, redisCores } from "./model.ts";
import { simulate } from "./simulate.ts";

/** docs/CAPACITY.md: the figures, what follows from them, and what does not. */
export function capacityPage(figures: CapacityFigures): string {
  const costs = costsOf(figures);
  return `${[head(figures), onePart(figures), model(costs), foretold(figures, costs), first(costs), plans(costs), unknown].join("\n\n")}\n`;
}

/** Each connection hears a publication a second and comes anew once an hour. */
export const plansFor: readonly (readonly [string, Demand])[] = [
  ["10 k", { connections: 10_000, publicationsPerSecond: 10, subscribers: 1_000, arrivalsPerSecond: 3 }],
  ["1 M", { connections: 1_000_000, publicationsPerSecond: 1_000, subscribers: 1_000, arrivalsPerSecond: 280 }],
  ["100 M", { connections: 100_000_000, publicationsPerSecond: 100_000, subscribers: 1_000, arrivalsPerSecond: 28_000 }],
];

const head = ({ taken, machine, command }: CapacityFigures): string => `# Capacity

<!-- Made from packages/bench/capacity.json. To measure anew and write this page: npm run capacity -->

What one thing costs, measured on one, two and three nodes; a model of that; and what it says about 10 thousand, a million and a
hundred million connections. **Measured is only what the first table has. All else is reckoned**, and says so.

Measured ${taken} with \`${command}\` on ${machine}, which nodes, Redis, publisher and subscribers shared with each other and with
whatever else ran there. Take your own figures before you buy machines: \`npm run capacity\` takes a few minutes and writes this page
again. How it is measured: [METHOD.md](../packages/bench/METHOD.md).`;

function onePart({ nodes, connection }: CapacityFigures): string {
  const rows = nodes.map((one) => [
    String(one.nodes),
    `${digits(one.hearMicros)} µs`,
    `${digits(one.deliverMicros)} µs`,
    `${digits(one.adminMicros)} µs`,
    `${digits(one.redisMicros)} µs`,
  ]);
  return [
    "## What one costs",
    table(
      [
        "nodes",
        "node, to hear a publication",
        "node, to deliver it to one",
        "admin, a publish a request",
        "Redis, a publication",
      ],
      rows,
    ),
    `A websocket connection takes ${digits(connection.kib)} KiB of a node that has ${digits(connection.baseMib)} MiB without any; to accept one takes a node ${digits(connection.acceptMicros)} µs and Redis ${digits(connection.redisMicros)} µs.`,
    "Batches and NDJSON cost the admin API less than half of a publish a request ([RESULTS.md](../packages/bench/RESULTS.md)). A delivery gets cheaper the busier a node is, because several are written at once.",
  ].join("\n\n");
}

const model = (costs: Costs): string =>
  [
    "## The model",
    [
      "```",
      "hearing = nodes × (1 − (1 − 1 / nodes) ^ subscribers)             nodes that hear a publication",
      `nodes   = nodes × ${digits(costs.idleNodeCores)} + publications × hearing × ${digits(costs.hearMicros)} µs + further deliveries × ${digits(costs.deliverMicros)} µs + arrivals × ${digits(costs.connection.acceptMicros)} µs`,
      `Redis   = nodes × ${digits(costs.idleRedisCores)} + publications × (${digits(costs.redisMicros)} µs + hearing × ${digits(costs.redisMicrosPerNode)} µs) + arrivals × ${digits(costs.connection.redisMicros)} µs`,
      `admin   = publications × ${digits(costs.adminMicros)} µs`,
      `memory  = ${digits(costs.connection.baseMib)} MiB + connections of the node × ${digits(costs.connection.kib)} KiB`,
      "```",
    ].join("\n"),
    `Means of the table above; for Redis a straight line through it. A node, a primary and an admin API use one core each, and are planned to be ${headroom.busyMax * 100} % busy. A node is planned for at most ${thousands(headroom.connectionsMax)} connections and ${thousands(headroom.residentMibMax)} MiB.`,
  ].join("\n\n");

function foretold({ nodes }: CapacityFigures, costs: Costs): string {
  const rows = nodes.map(({ nodes: count, check }) => {
    const demand = demandOf(check);
    const played = simulate(costs, demand, { nodes: count, primaries: 1, admins: 1 });
    const cores = nodeCores(costs, demand, count);
    return [
      `${count}`,
      `${digits(check.nodeCores)} / ${digits(cores)}`,
      `${digits(check.redisCores)} / ${digits(redisCores(costs, demand, count))}`,
      `${digits(check.p50Ms)} / ${digits(played.p50Ms)} ms`,
      `${digits(check.p99Ms)} / ${digits(played.p99Ms)} ms`,
    ];
  });
  const [one] = nodes;
  return [
    "## Does it foretell anything?",
    `A load of which no figure above is made, about a hundred publications a second to ${one?.check.subscribers} subscribers in all, measured / reckoned. The times are those of a simulation (\`packages/bench/src/capacity/simulate.ts\`) that plays every publication through the queues of an admin API, Redis and the nodes; it knows no network and nobody else on the machine, so it is a lower bound. A test holds reckoning and measurement within a factor of three for CPU.`,
    table(["nodes", "cores of all nodes", "cores of Redis", "p50", "p99"], rows),
  ].join("\n\n");
}

function first(costs: Costs): string {
  const { busyMax } = headroom;
  const perSecond = (micros: number): string => `${thousands(round((busyMax * 1_000_000) / micros))} a second`;
  const redis = (nodes: number): string => perSecond(costs.redisMicros + nodes * costs.redisMicrosPerNode);
  const byMemory = ((headroom.residentMibMax - costs.connection.baseMib) * 1_024) / costs.connection.kib;
  const rows = [
    ["a node: deliveries", perSecond(costs.deliverMicros), "more nodes"],
    [
      "a node: publications heard",
      perSecond(costs.hearMicros),
      "channels whose subscribers are on few nodes; more nodes alone do not help a channel that is everywhere",
    ],
    [
      "a node: connections by memory",
      thousands(round(byMemory)),
      "more nodes. The plan stops before, at a number whose loss the others can take",
    ],
    [
      "a node: connections accepted",
      perSecond(costs.connection.acceptMicros),
      "more nodes; FANFARE_ACCEPT_PER_SECOND keeps a storm below it",
    ],
    ["an admin API: a publish a request", perSecond(costs.adminMicros), "more of them, batches, NDJSON"],
    ["a Redis: publications that 3 nodes hear", redis(3), "Redis Cluster: channels are spread over its primaries"],
    ["a Redis: publications that 100 nodes hear", redis(100), "the same, and cells"],
  ];
  return [
    "## What saturates first",
    `Each alone, at ${busyMax * 100} % of a core:`,
    table(["", "reckoned limit", "then"], rows),
    "With few subscribers a publication, Redis is first; with many, the nodes' deliveries are. Long before either, look at the kernel: a connection takes a file descriptor at the node and two at a balancer.",
  ].join("\n\n");
}

function plans(costs: Costs): string {
  const cell = plansFor[1]?.[1];
  const columns = plansFor.map(([name, demand]) => ({ name, demand, planned: plan(costs, demand) }));
  const row = (title: string, of: (planned: Plan, demand: Demand) => string): string[] => [
    title,
    ...columns.map(({ planned, demand }) => of(planned, demand)),
  ];
  const rows = [
    row("publications a second", (_, demand) => thousands(demand.publicationsPerSecond)),
    row("deliveries a second", (planned) => thousands(planned.deliveriesPerSecond)),
    row("nodes", (planned) => thousands(planned.nodes)),
    row("…because of", (planned) => planned.nodesFor),
    row("…each busy", (planned) => `${Math.round(planned.nodeBusy * 100)} %`),
    row("…memory of each", (planned) => `${thousands(Math.round(planned.nodeMib))} MiB`),
    row("nodes that hear a publication", (planned) => thousands(Math.round(planned.hearing))),
    row("cores of Redis", (planned) =>
      planned.redisCores < 1 ? digits(planned.redisCores) : thousands(Math.ceil(planned.redisCores)),
    ),
    row("primaries", (planned) => thousands(planned.primaries)),
    row("memory of Redis, without logs", (planned) => `${thousands(Math.ceil(planned.redisMib))} MiB`),
    row("admin APIs", (planned) => thousands(planned.admins)),
    row("p99 without networks, simulated", (planned, demand) => `${digits(simulate(costs, demand, planned).p99Ms)} ms`),
  ];
  const one = cell === undefined ? undefined : plan(costs, cell);
  const whole = columns.at(-1)?.planned;
  return [
    "## 10 k, 1 M, 100 M",
    "Reckoned. Every connection hears one publication a second and comes anew once an hour; a publication has 1,000 subscribers, anywhere.",
    table(["one cluster", ...columns.map(({ name }) => name)], rows),
    "**10 k**: two nodes and a Redis with a replica, on any two machines. One node would do; the second is for deploys and deaths.",
    `**1 M**: nodes behind two balancers. ${(one?.primaries ?? 1) === 1 ? "One Redis carries these publications" : `Redis needs ${one?.primaries} primaries`}; take a Redis Cluster (\`redis+cluster://…\`) before its core is half busy. Its sharded pub/sub keeps a publication on the primary that has its channel. The number of partitions is fixed when it is first used: take \`?partitions=\` several times the primaries you begin with.`,
    `**100 M** in one cluster would need ${thousands(whole?.primaries ?? 0)} primaries, nearly all of them to tell ${thousands(Math.round(whole?.hearing ?? 0))} nodes of each publication: its subscribers are spread so thin that almost every one of them is on a node of its own. Do not build that. Build **cells**: a hundred clusters of a million, each with ${thousands(one?.nodes ?? 0)} nodes and a Redis of its own, and let the application decide by the channel (tenant, region, match) in which cell its subscribers are and where to publish. Nothing grows with the number of cells then, and a cell that breaks is one percent. What everybody hears is published once to each.`,
  ].join("\n\n");
}

const unknown = `## What the model does not know

- **More than three nodes.** Nothing larger was run. What grows with the square of the nodes (connections between them, and nearly
  all requests of polling clients forwarded) is not in it, and neither is a primary's limit on connections: each node has three to each.
- **Networks.** Bandwidth is payload × deliveries, and payload × hearing nodes for Redis: at 1 kB and a million deliveries a second
  that is 8 Gbit/s before TLS, which is the balancers' work and not in any figure here.
- **Larger payloads.** All figures are for 128 bytes.
- **Long-polling**, which costs a node an HTTP request for nearly every delivery.
- **Logs.** Memory of Redis for them is publications kept × (payload and an entry of a stream), by the rule \`retain\`.
- **Presence and clients that publish.** [PRESENCE.md](PRESENCE.md#what-it-costs) has figures of the former.`;

/** The check of a row as something to be foretold. */
export function demandOf({ perSecond, subscribers }: CapacityFigures["nodes"][number]["check"]): Demand {
  return { connections: subscribers, publicationsPerSecond: perSecond, subscribers, arrivalsPerSecond: 0 };
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => "---"), ...rows]
    .map((cells) => `| ${cells.join(" | ")} |`)
    .join("\n")
    .replaceAll(" --- ", "---");
}

/** Three of them that say something. */
function digits(value: number): string {
  if (value >= 100) return thousands(Math.round(value));
  return String(Number(value.toPrecision(value < 1 ? 2 : 3)));
}

/** Two digits that say something, for what is only reckoned. */
const round = (value: number): number => Number(value.toPrecision(2));
const thousands = (value: number): string => value.toLocaleString("en-US");

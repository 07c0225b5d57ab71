import { limits } from "../limits.ts";
import { Type } from "../typebox.ts";
import { ChannelField } from "./client-events.ts";

/** Schemas of what the admin API says of connections, channels and users. */

const strict = { additionalProperties: false } as const;

const cursorFields = {
  cursor: Type.Optional(Type.String({ minLength: 1, maxLength: 2_048, description: "`next` of the page before." })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: limits.pageLimitMax, default: limits.pageLimitDefault })),
};
const NameField = Type.String({ minLength: 1, maxLength: 1_024 });

export const PageQuery = Type.Object(cursorFields, strict);

export const ChannelsQuery = Type.Object(
  {
    prefix: Type.Optional(
      Type.String({ pattern: "^[A-Za-z0-9_.:@#=+/-]{0,255}$", description: "What the names begin with.", examples: ["news:"] }),
    ),
    ...cursorFields,
  },
  strict,
);

export const ConnectionsQuery = Type.Object(
  {
    user: Type.Optional(NameField),
    channel: Type.Optional(ChannelField),
    node: Type.Optional(NameField),
    sort: Type.Optional(
      Type.Union([Type.Literal("id"), Type.Literal("unsent")], {
        default: "id",
        description:
          "`unsent`: only connections that have not taken everything they were sent, the furthest behind first. Its pages move with the bytes.",
      }),
    ),
    ...cursorFields,
  },
  strict,
);

const nextField = Type.Union([Type.String(), Type.Null()], {
  description: "The cursor of the next page; null when there is none. A page that has one may be short.",
});
const nodesMissingField = Type.Array(Type.String(), {
  description:
    "Nodes of which something may be lacking here or be no longer true: they have not written in time, or not yet everything.",
});

export const ConnectionSchema = Type.Object({
  id: Type.String({ description: "What the client knows as `socket.id`." }),
  user: Type.Union([Type.String(), Type.Null()]),
  node: Type.String(),
  transport: Type.Union([Type.Literal("polling"), Type.Literal("websocket")]),
  address: Type.String({ description: "The client's; behind balancers as FANFARE_TRUSTED_PROXIES allows." }),
  client: Type.Optional(Type.String({ description: "The User-Agent that it gave." })),
  since: Type.Integer({ description: "Milliseconds since 1970." }),
  channels: Type.Array(ChannelField),
  unsentBytes: Type.Integer({ description: "What it has been sent and has not taken yet, at most two seconds ago." }),
});

const exampleConnection = {
  id: "kT0qGm2hJx8zVb4dAAAB",
  user: "ada",
  node: "gateway-1",
  transport: "websocket",
  address: "203.0.113.7",
  client: "Mozilla/5.0",
  since: 1_764_000_000_000,
  channels: ["news", "user:ada"],
  unsentBytes: 0,
};

export const ConnectionsPage = Type.Object(
  { items: Type.Array(ConnectionSchema), next: nextField, nodesMissing: nodesMissingField },
  { examples: [{ items: [exampleConnection], next: null, nodesMissing: [] }] },
);

export const ConnectionAnswer = Type.Object(ConnectionSchema.properties, { examples: [exampleConnection] });

export const ChannelsPage = Type.Object(
  {
    items: Type.Array(Type.Object({ channel: ChannelField, subscribers: Type.Integer() })),
    next: nextField,
    nodesMissing: nodesMissingField,
  },
  {
    examples: [{ items: [{ channel: "news", subscribers: 1_200 }], next: "Y25ld3M", nodesMissing: [] }],
  },
);

export const UsersPage = Type.Object(
  {
    items: Type.Array(Type.Object({ user: Type.String(), connections: Type.Integer() })),
    next: nextField,
    nodesMissing: nodesMissingField,
  },
  { examples: [{ items: [{ user: "ada", connections: 2 }], next: null, nodesMissing: ["gateway-3"] }] },
);

const LatencyField = Type.Object(
  { p50: Type.Number(), p99: Type.Number() },
  { description: "From storing a publication to writing it to subscribers, by the clocks of the broker and the node." },
);

const figureFields = {
  websocket: Type.Integer(),
  polling: Type.Integer(),
  publicationsPerSecond: Type.Number({ description: "Handed in at this process and stored." }),
  deliveriesPerSecond: Type.Number({ description: "Written to its connections: one publication to ten subscribers counts ten." }),
};

const healthField = Type.Optional(
  Type.Object(
    {
      cpuPercent: Type.Number({ description: "Of one core." }),
      loopDelayMs: Type.Number({ description: "How late the event loop was in the worst hundredth of its turns." }),
      memoryBytes: Type.Integer({ description: "Resident memory of the process." }),
      unsentBytes: Type.Integer({ description: "Sent to its connections and not taken yet." }),
      canaryAgeMs: Type.Union([Type.Integer(), Type.Null()], {
        description: "Since a publication of its own last came back by the way that all take; null before the first.",
      }),
      latencyMs: Type.Union([LatencyField, Type.Null()]),
    },
    { description: "Of nodes: how they did in the two seconds before they said so." },
  ),
);

const clusterLatencyField = Type.Union([LatencyField, Type.Null()], {
  description: "The middle one of the nodes' p50, and the p99 of the slowest; null when nothing was delivered.",
});

export const Stats = Type.Object(
  {
    at: Type.Integer({ description: "Milliseconds since 1970." }),
    nodes: Type.Integer(),
    connections: Type.Integer(),
    transports: Type.Object({ websocket: Type.Integer(), polling: Type.Integer() }),
    channels: Type.Integer({ description: "With at least one subscriber." }),
    users: Type.Integer({ description: "With at least one connection." }),
    publicationsPerSecond: Type.Number(),
    deliveriesPerSecond: Type.Number(),
    latencyMs: clusterLatencyField,
    processes: Type.Array(Type.Object({ process: Type.String(), ...figureFields, health: healthField }), {
      description: "What each process said of itself last: nodes, admin APIs, ingestion workers.",
    }),
    nodesMissing: nodesMissingField,
  },
  {
    examples: [
      {
        at: 1_764_000_000_000,
        nodes: 1,
        connections: 1_200,
        transports: { websocket: 1_180, polling: 20 },
        channels: 35,
        users: 900,
        publicationsPerSecond: 40,
        deliveriesPerSecond: 11_000,
        latencyMs: { p50: 1, p99: 4 },
        processes: [
          {
            process: "gateway-1",
            websocket: 1_180,
            polling: 20,
            publicationsPerSecond: 0,
            deliveriesPerSecond: 11_000,
            health: {
              cpuPercent: 31.5,
              loopDelayMs: 12.1,
              memoryBytes: 104_857_600,
              unsentBytes: 2_048,
              canaryAgeMs: 1_240,
              latencyMs: { p50: 1, p99: 4 },
            },
          },
          { process: "admin-3f2a", websocket: 0, polling: 0, publicationsPerSecond: 40, deliveriesPerSecond: 0 },
        ],
        nodesMissing: [],
      },
    ],
  },
);

const SampleSchema = Type.Object({
  at: Type.Integer({ description: "Milliseconds since 1970." }),
  nodes: Type.Integer(),
  websocket: Type.Integer(),
  polling: Type.Integer(),
  publicationsPerSecond: Type.Number(),
  deliveriesPerSecond: Type.Number(),
  latencyMs: clusterLatencyField,
});

export const StatsHistory = Type.Object(
  {
    everyMs: Type.Integer({ description: "Between two samples." }),
    items: Type.Array(SampleSchema, { description: "Oldest first; a gap says that the broker was away." }),
  },
  {
    examples: [
      {
        everyMs: 2_000,
        items: [
          {
            at: 1_764_000_000_000,
            nodes: 2,
            websocket: 1_180,
            polling: 20,
            publicationsPerSecond: 40,
            deliveriesPerSecond: 11_000,
            latencyMs: { p50: 1, p99: 4 },
          },
        ],
      },
    ],
  },
);

export type StatsSample = Type.Static<typeof SampleSchema>;
export type StatsHistory = Type.Static<typeof StatsHistory>;
export type ChannelsPage = Type.Static<typeof ChannelsPage>;
export type UsersPage = Type.Static<typeof UsersPage>;
export type Stats = Type.Static<typeof Stats>;

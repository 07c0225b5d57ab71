import { channelPattern } from "@fanfare/domain";

/** The commands that a setting means something to. `client` stands for publish, tail, top and their like. */
export type SettingUser = "up" | "gateway" | "admin" | "serve" | "ingest" | "client" | "token" | "check";

interface SettingBase {
  /** The environment variable. The flag and the key in `fanfare.config.json` are the same words: see names.ts. */
  readonly env: `FANFARE_${string}`;
  /** For people: what it is and what it is good for. One or two sentences. */
  readonly doc: string;
  readonly usedBy: readonly SettingUser[];
  /** Never printed. */
  readonly secret?: true;
  /** Whether the value may stand in a file that `<name>_FILE` names. */
  readonly fromFile?: true;
}

/** One setting. What has no default is absent when nobody gives it. */
export type SettingRow = SettingBase &
  (
    | {
        readonly type: "integer" | "ms" | "bytes";
        readonly default?: number;
        readonly min: number;
        readonly max: number;
      }
    | {
        readonly type: "text" | "path";
        readonly default?: string;
        /** What the whole value must match, and the sentence that says so. */
        readonly pattern?: { readonly regex: RegExp; readonly says: string };
        /** What an empty text in a flag or the environment means, where it is not the same as not given. */
        readonly whenEmpty?: string;
      }
    | { readonly type: "url"; readonly default?: string; readonly schemes: readonly string[] }
    | { readonly type: "list"; readonly default: readonly string[]; readonly item: string }
    | { readonly type: "choice"; readonly default: string; readonly choices: readonly string[] }
  );

const name = { regex: /^[A-Za-z0-9_.-]{1,64}$/, says: "1 to 64 of the characters A-Z, a-z, 0-9, _, . and -" } as const;
const channel = { regex: new RegExp(channelPattern), says: "a channel name" } as const;
const channelTemplate = {
  regex: /^(?:[A-Za-z0-9_.:@#=+/-]|\{routing-key\}|\{exchange\}){1,255}$/,
  says: "a channel name in which {routing-key} and {exchange} may stand",
} as const;
const zmqAddress = {
  regex: /^(?:tcp:\/\/[^\s:]+:[0-9]{1,5}|ipc:\/\/[^\s]+|off)$/,
  says: "tcp://address:port, ipc://path or off",
} as const;
const amqpName = { regex: /^[^\s]{1,200}$/, says: "1 to 200 characters without blanks" } as const;
const port = { type: "integer", min: 0, max: 65_535 } as const;
const web = ["http", "https"] as const;

/** Every setting there is. The loader, `--help` and docs/SETTINGS.md are made from this table. */
export const settingsTable = {
  port: {
    ...port,
    env: "FANFARE_PORT",
    default: 8_000,
    doc: "Public Socket.IO port (path /socket.io/); with fanfare up, the balancer's. 0 takes any free one.",
    usedBy: ["up", "gateway", "serve", "client"],
  },
  host: {
    env: "FANFARE_HOST",
    type: "text",
    default: "0.0.0.0",
    doc: "Address that the public port and the peer port listen on.",
    usedBy: ["up", "gateway", "serve", "ingest"],
  },
  adminPort: {
    ...port,
    env: "FANFARE_ADMIN_PORT",
    default: 9_000,
    doc: "Port of the admin API, the console and /docs. 0 takes any free one.",
    usedBy: ["up", "admin", "serve", "client"],
  },
  adminHost: {
    env: "FANFARE_ADMIN_HOST",
    type: "text",
    default: "127.0.0.1",
    doc: "Address that the admin port listens on. Only this machine by default: widen it knowingly.",
    usedBy: ["up", "admin", "serve"],
  },
  peerPort: {
    ...port,
    env: "FANFARE_PEER_PORT",
    default: 8_100,
    doc: "Port for other nodes and for operators: /healthz, /readyz and /metrics of a gateway. Keep it inside. 0 takes any free one.",
    usedBy: ["gateway", "serve"],
  },
  peerUrl: {
    env: "FANFARE_PEER_URL",
    type: "url",
    schemes: web,
    doc: "How other nodes reach this one's peer port. By default FANFARE_HOST, or this host's address when that is 0.0.0.0, with the real peer port.",
    usedBy: ["gateway", "serve"],
  },
  redisUrl: {
    env: "FANFARE_REDIS_URL",
    type: "url",
    schemes: ["redis", "rediss", "redis+unix", "redis+sentinel", "redis+cluster"],
    secret: true,
    fromFile: true,
    doc: "The Redis that nodes share: redis://host:port, rediss:// with TLS, redis+unix:///socket, redis+sentinel://host:port,host:port/name, or redis+cluster://host:port,host:port?partitions=8. Absent: an in-memory broker, which serves one process only and forgets when it ends.",
    usedBy: ["up", "gateway", "admin", "serve", "ingest"],
  },
  cluster: {
    env: "FANFARE_CLUSTER",
    type: "text",
    pattern: name,
    default: "fanfare",
    doc: "Name that separates clusters on one Redis: prefix of its keys and pub/sub channels.",
    usedBy: ["up", "gateway", "admin", "serve", "ingest"],
  },
  adminKeys: {
    env: "FANFARE_ADMIN_KEYS",
    type: "list",
    item: "name:secret[:scope+scope]",
    default: [],
    secret: true,
    fromFile: true,
    doc: "Who may use the admin API. The secret is plain or sha256=HEX; no scope means all. Without any key the API answers 401 to everything. See docs/RULES.md.",
    usedBy: ["up", "admin", "serve"],
  },
  tokenSecret: {
    env: "FANFARE_TOKEN_SECRET",
    type: "text",
    secret: true,
    fromFile: true,
    doc: "Shared secret that client tokens are signed with (HS256). Use at least 32 random bytes.",
    usedBy: ["up", "gateway", "serve", "token"],
  },
  tokenPublicKey: {
    env: "FANFARE_TOKEN_PUBLIC_KEY",
    type: "text",
    fromFile: true,
    doc: "Public key in PEM that client tokens are checked with (RS, PS, ES or EdDSA), instead of a secret.",
    usedBy: ["up", "gateway", "serve"],
  },
  jwksUrl: {
    env: "FANFARE_JWKS_URL",
    type: "url",
    schemes: web,
    doc: "Where the public keys that client tokens are checked with are published, instead of a secret or one key.",
    usedBy: ["up", "gateway", "serve"],
  },
  rules: {
    env: "FANFARE_RULES",
    type: "path",
    doc: "The rules file: which channels may do what. Absent: nothing is allowed, except that users may hear their own channel. See docs/RULES.md.",
    usedBy: ["up", "gateway", "admin", "serve", "check", "ingest"],
  },
  origins: {
    env: "FANFARE_ORIGINS",
    type: "list",
    item: "scheme://host[:port] or *",
    default: [],
    doc: "Browser origins whose pages may connect; * is any. Pages of the very host that they connect to always may, and what is not a browser sends no origin.",
    usedBy: ["up", "gateway", "serve"],
  },
  clusterSecret: {
    env: "FANFARE_CLUSTER_SECRET",
    type: "text",
    secret: true,
    fromFile: true,
    doc: "Authenticates nodes and the admin API to a node on its peer port: the same for all of a cluster. Use at least 32 random bytes. Without it nothing is forwarded, and the balancer has to keep each session on its node.",
    usedBy: ["up", "gateway", "admin", "serve"],
  },
  forward: {
    env: "FANFARE_FORWARD",
    type: "choice",
    choices: ["on", "off"],
    default: "on",
    doc: "Whether requests of sessions that another node has are forwarded to it. off is for balancers that keep each session on its node by themselves.",
    usedBy: ["up", "gateway", "serve"],
  },
  acceptPerSecond: {
    env: "FANFARE_ACCEPT_PER_SECOND",
    type: "integer",
    default: 1_000,
    min: 1,
    max: 1_000_000,
    doc: "New connections that a node takes in a second. Those beyond are answered 503 and come back a little later by themselves, so that a storm of clients does not stall the node.",
    usedBy: ["up", "gateway", "serve"],
  },
  drainMs: {
    env: "FANFARE_DRAIN_MS",
    type: "ms",
    default: 10_000,
    min: 0,
    max: 600_000,
    doc: "How long a node that is told to stop takes to move its clients away. Give the supervisor a few seconds more.",
    usedBy: ["up", "gateway", "serve", "ingest"],
  },
  pingIntervalMs: {
    env: "FANFARE_PING_INTERVAL_MS",
    type: "ms",
    default: 25_000,
    min: 50,
    max: 3_600_000,
    doc: "Time between two pings to a client. Shorter finds dead ones sooner and costs more traffic.",
    usedBy: ["up", "gateway", "serve"],
  },
  pingTimeoutMs: {
    env: "FANFARE_PING_TIMEOUT_MS",
    type: "ms",
    default: 20_000,
    min: 50,
    max: 3_600_000,
    doc: "How long a client may take to answer a ping before its connection counts as dead.",
    usedBy: ["up", "gateway", "serve"],
  },
  bufferBytesMax: {
    env: "FANFARE_BUFFER_BYTES_MAX",
    type: "bytes",
    default: 1_048_576,
    min: 1_024,
    max: 1_073_741_824,
    doc: "Unsent bytes that one connection may pile up before it counts as too slow.",
    usedBy: ["up", "gateway", "serve"],
  },
  logLevel: {
    env: "FANFARE_LOG_LEVEL",
    type: "choice",
    choices: ["trace", "debug", "info", "warn", "error", "fatal", "silent"],
    default: "info",
    doc: "The least that is logged. error: page someone; warn: look this week; info: lifecycle.",
    usedBy: ["up", "gateway", "admin", "serve", "ingest"],
  },
  node: {
    env: "FANFARE_NODE",
    type: "text",
    pattern: name,
    doc: "Name of this node in logs, metrics and answers. Made anew at every start by default. No two running nodes may share one.",
    usedBy: ["gateway", "serve", "ingest"],
  },
  recovery: {
    env: "FANFARE_RECOVERY",
    type: "choice",
    choices: ["on", "off"],
    default: "on",
    doc: "Whether stock clients get back by themselves what they missed. off is for protocol test suites that compare answers to the letter.",
    usedBy: ["up", "gateway", "serve"],
  },
  zmqBind: {
    env: "FANFARE_ZMQ_BIND",
    type: "text",
    pattern: zmqAddress,
    whenEmpty: "off",
    doc: "Where ZeroMQ producers connect a PUB socket. Empty or off: none. Without a value fanfare ingest takes tcp://127.0.0.1:5000 when that is free, and so does fanfare up.",
    usedBy: ["up", "serve", "ingest"],
  },
  zmqPullBind: {
    env: "FANFARE_ZMQ_PULL_BIND",
    type: "text",
    pattern: zmqAddress,
    whenEmpty: "off",
    doc: "Where ZeroMQ producers that must not lose anything connect a PUSH socket.",
    usedBy: ["up", "serve", "ingest"],
  },
  zmqChannel: {
    env: "FANFARE_ZMQ_CHANNEL",
    type: "text",
    pattern: channel,
    default: "zmq",
    doc: "Channel of ZeroMQ messages that are one frame and so name none.",
    usedBy: ["up", "serve", "ingest"],
  },
  zmqQueueMax: {
    env: "FANFARE_ZMQ_QUEUE_MAX",
    type: "integer",
    default: 250_000,
    min: 1_000,
    max: 10_000_000,
    doc: "Messages of one ZeroMQ producer that may wait here (its high-water mark). A PUB loses what is beyond it, a PUSH waits.",
    usedBy: ["up", "serve", "ingest"],
  },
  amqpUrl: {
    env: "FANFARE_AMQP_URL",
    type: "url",
    schemes: ["amqp", "amqps"],
    secret: true,
    fromFile: true,
    doc: "The RabbitMQ whose messages are published. Absent: none.",
    usedBy: ["up", "serve", "ingest"],
  },
  amqpQueue: {
    env: "FANFARE_AMQP_QUEUE",
    type: "text",
    pattern: amqpName,
    default: "fanfare",
    doc: "Queue that is read. Made, durable, when it is not there. What can never be published goes to the queue of this name with .dead behind it.",
    usedBy: ["up", "serve", "ingest"],
  },
  amqpExchange: {
    env: "FANFARE_AMQP_EXCHANGE",
    type: "text",
    pattern: amqpName,
    doc: "Exchange that the queue is bound to. Made as a durable topic exchange when it is not there. Absent: producers send to the queue by its name.",
    usedBy: ["up", "serve", "ingest"],
  },
  amqpBindings: {
    env: "FANFARE_AMQP_BINDINGS",
    type: "list",
    item: "a binding key",
    default: ["#"],
    doc: "Binding keys between the exchange and the queue.",
    usedBy: ["up", "serve", "ingest"],
  },
  amqpChannel: {
    env: "FANFARE_AMQP_CHANNEL",
    type: "text",
    pattern: channelTemplate,
    default: "{routing-key}",
    doc: "Channel of AMQP messages without a header channel; {routing-key} and {exchange} stand for the message's.",
    usedBy: ["up", "serve", "ingest"],
  },
  amqpPrefetch: {
    env: "FANFARE_AMQP_PREFETCH",
    type: "integer",
    default: 500,
    min: 1,
    max: 65_535,
    doc: "Unacknowledged AMQP messages that a worker may hold.",
    usedBy: ["up", "serve", "ingest"],
  },
  streamKey: {
    env: "FANFARE_STREAM_KEY",
    type: "text",
    pattern: { regex: /^[^\s]{1,200}$/, says: "1 to 200 characters without blanks" },
    doc: "Redis stream whose entries are published. Absent: none. What can never be published goes to the stream of this name with :dead behind it.",
    usedBy: ["up", "serve", "ingest"],
  },
  pattern: {
    env: "FANFARE_PATTERN",
    type: "text",
    pattern: { regex: /^[^\s*?[\]\\]{0,200}\*$/, says: "a prefix and one * at its end, such as laravel_database_*" },
    doc: "Redis PUBLISH messages that are published: those of channels with this prefix, under the rest of their name.",
    usedBy: ["up", "serve", "ingest"],
  },
  sourceRedisUrl: {
    env: "FANFARE_SOURCE_REDIS_URL",
    type: "url",
    schemes: ["redis", "rediss", "redis+unix", "redis+sentinel"],
    secret: true,
    fromFile: true,
    doc: "The Redis that the stream, the PUBLISH messages and the emitters are on. By default that of FANFARE_REDIS_URL.",
    usedBy: ["up", "serve", "ingest"],
  },
  emitterKey: {
    env: "FANFARE_EMITTER_KEY",
    type: "text",
    pattern: { regex: /^[^\s*?[\]\\#]{1,100}$/, says: "1 to 100 characters without blanks, #, *, ?, [, ] and \\" },
    default: "socket.io",
    doc: "The option key of stock Socket.IO Redis emitters: prefix of the Redis channels they publish on.",
    usedBy: ["up", "gateway", "serve", "ingest"],
  },
  emitterLog: {
    env: "FANFARE_EMITTER_LOG",
    type: "choice",
    choices: ["on", "off"],
    default: "off",
    doc: "Whether what stock emitters send to a channel is stored like any publication (then only its first argument is carried), instead of being passed on once to whoever is there.",
    usedBy: ["up", "gateway", "serve", "ingest"],
  },
  ingestPort: {
    ...port,
    env: "FANFARE_INGEST_PORT",
    default: 8_200,
    doc: "Port of /healthz, /readyz and /metrics of fanfare ingest. 0 takes any free one.",
    usedBy: ["ingest"],
  },
  adminUrl: {
    env: "FANFARE_ADMIN_URL",
    type: "url",
    schemes: web,
    doc: "Admin API that the client commands talk to. By default FANFARE_ADMIN_PORT on this machine.",
    usedBy: ["client"],
  },
  adminKey: {
    env: "FANFARE_ADMIN_KEY",
    type: "text",
    secret: true,
    fromFile: true,
    doc: "Secret of the admin key that the client commands present.",
    usedBy: ["client"],
  },
  url: {
    env: "FANFARE_URL",
    type: "url",
    schemes: [...web, "ws", "wss"],
    doc: "Socket.IO server that the client commands connect to. By default FANFARE_PORT on this machine.",
    usedBy: ["client"],
  },
} as const satisfies Record<string, SettingRow>;

type SettingsTable = typeof settingsTable;
export type SettingKey = keyof SettingsTable;

type ValueOf<Row extends SettingRow> = Row extends { readonly type: "integer" | "ms" | "bytes" }
  ? number
  : Row extends { readonly type: "list" }
    ? readonly string[]
    : Row extends { readonly type: "choice"; readonly choices: readonly (infer Choice)[] }
      ? Choice
      : string;

type Defaulted = { [Key in SettingKey]: SettingsTable[Key] extends { readonly default: unknown } ? Key : never }[SettingKey];

/** What a process runs with: checked, complete, read once. */
export type Settings = { readonly [Key in Defaulted]: ValueOf<SettingsTable[Key]> } & {
  readonly [Key in Exclude<SettingKey, Defaulted>]?: ValueOf<SettingsTable[Key]>;
};

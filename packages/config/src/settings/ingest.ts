import { channelPattern } from "@fanfare/domain";
import { port, type SettingRow } from "./row.ts";

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

/** The sources of fanfare ingest. */
export const ingestSettings = {
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
} as const satisfies Record<string, SettingRow>;

import { type SettingRow, web } from "./row.ts";

/** What is told of connections, channels and nodes. */
export const eventSettings = {
  events: {
    env: "FANFARE_EVENTS",
    type: "choice",
    choices: ["all", "connections", "nodes", "off"],
    default: "all",
    doc: "Which events nodes write for GET /v1/events and webhooks: all; connections, which leaves out subscriptions and channels, where clients change them often; nodes only; or off.",
    usedBy: ["up", "gateway", "serve"],
  },
  webhookUrl: {
    env: "FANFARE_WEBHOOK_URL",
    type: "url",
    schemes: web,
    doc: "Where the application wants to be told what happens: the events of GET /v1/events, by POST. Needs FANFARE_WEBHOOK_SECRET. See docs/EVENTS.md.",
    usedBy: ["up", "admin", "serve"],
  },
  webhookSecret: {
    env: "FANFARE_WEBHOOK_SECRET",
    type: "text",
    secret: true,
    fromFile: true,
    doc: "Signs what the application is told (HMAC-SHA256), so that it knows who speaks. At least 32 random bytes.",
    usedBy: ["up", "admin", "serve"],
  },
  webhookEvents: {
    env: "FANFARE_WEBHOOK_EVENTS",
    type: "list",
    item: "type of event",
    default: [],
    doc: "Types of events that the application is told, such as connected,disconnected; none means all.",
    usedBy: ["up", "admin", "serve"],
  },
  webhookTries: {
    env: "FANFARE_WEBHOOK_TRIES",
    type: "integer",
    default: 8,
    min: 1,
    max: 100,
    doc: "How often a batch of events is tried, with pauses from a second up to a minute, before it is put aside for GET /v1/webhooks/dead. 8 is some two minutes.",
    usedBy: ["up", "admin", "serve"],
  },
} as const satisfies Record<string, SettingRow>;

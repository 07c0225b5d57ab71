import type { SettingRow } from "./row.ts";

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
} as const satisfies Record<string, SettingRow>;

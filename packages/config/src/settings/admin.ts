import { port, type SettingRow, web } from "./row.ts";

/** The admin API. */
export const adminSettings = {
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
  adminKeys: {
    env: "FANFARE_ADMIN_KEYS",
    type: "list",
    item: "name:secret[:scope+scope][+until=2027-01-31]",
    default: [],
    secret: true,
    fromFile: true,
    doc: "Who may use the admin API. The secret is plain or sha256=HEX; no scope means all; `fanfare key` makes one. Without any key the API answers 401 to everything. See docs/RULES.md.",
    usedBy: ["up", "admin", "serve"],
  },
  audit: {
    env: "FANFARE_AUDIT",
    type: "choice",
    choices: ["all", "changes", "off"],
    default: "changes",
    doc: "Which requests to the admin API leave a line in the log, with the key's name and the request id: all writes, changes (all but publishing, where a line each would cost more than the publish), or off.",
    usedBy: ["up", "admin", "serve"],
  },
  receiptsPerSecond: {
    env: "FANFARE_RECEIPTS_PER_SECOND",
    type: "integer",
    min: 0,
    default: 10,
    max: 100,
    doc: "Publications of a second that may have a receipt at one admin API, of those that ask for one. Each is kept for ten minutes, in some 0.2 kB and 0.05 kB for each node that delivered it. Those beyond are published without. 0: none has one.",
    usedBy: ["up", "admin", "serve"],
  },
  controlUrl: {
    env: "FANFARE_CONTROL_URL",
    type: "url",
    schemes: web,
    doc: "Where the console may have a node killed, to watch what happens. `fanfare up` sets it and listens there; nothing else does.",
    usedBy: ["admin", "serve"],
  },
} as const satisfies Record<string, SettingRow>;

import { type SettingRow, web } from "./row.ts";

/** Where the client commands of the CLI go. */
export const clientSettings = {
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
    doc: "Socket.IO server that the client commands connect to, and the console's page. By default FANFARE_PORT on this machine; for the page, port 8000 of the host that it came from.",
    usedBy: ["admin", "serve", "client"],
  },
} as const satisfies Record<string, SettingRow>;

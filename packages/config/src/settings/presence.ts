import type { SettingRow } from "./row.ts";

/** Who is in a channel. */
export const presenceSettings = {
  presenceGraceMs: {
    env: "FANFARE_PRESENCE_GRACE_MS",
    type: "ms",
    default: 8_000,
    min: 0,
    max: 120_000,
    doc: "How long a client whose connection is lost stays in its channels: one that comes back in time has never left, on whichever node. Without recovery it leaves at once.",
    usedBy: ["up", "gateway", "serve"],
  },
  presenceMembersMax: {
    env: "FANFARE_PRESENCE_MEMBERS_MAX",
    type: "integer",
    default: 1_000,
    min: 0,
    max: 20_000,
    doc: "Up to how many members of a channel clients are told one by one; in larger channels they are told how many there are. The same for all nodes.",
    usedBy: ["up", "gateway", "serve"],
  },
} as const satisfies Record<string, SettingRow>;

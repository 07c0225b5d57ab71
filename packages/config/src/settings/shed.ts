import type { SettingRow } from "./row.ts";

const nodes = ["up", "gateway", "serve"] as const;

/** When a node has enough: from there on it takes no new connections and says on /readyz why. 0 lifts a limit. */
export const shedSettings = {
  shedMemoryBytes: {
    env: "FANFARE_SHED_MEMORY_BYTES",
    type: "bytes",
    min: 0,
    max: 2 ** 50,
    doc: "Memory of a node's process from which on it takes no new connections; those it has stay. By default 85 % of what the container, or else the machine, has. Nine tenths of what Node.js gives its heap (--max-old-space-size) count as well. 0 lifts both limits.",
    usedBy: nodes,
  },
  shedEventLoopMs: {
    env: "FANFARE_SHED_EVENT_LOOP_MS",
    type: "ms",
    default: 500,
    min: 0,
    max: 60_000,
    doc: "How late a node's event loop may be, on the average of a second and two seconds running, before the node takes no new connections. 0 lifts the limit.",
    usedBy: nodes,
  },
  shedDescriptors: {
    env: "FANFARE_SHED_DESCRIPTORS",
    type: "integer",
    min: 0,
    max: 1_000_000_000,
    doc: "Open file descriptors, one per connection and a few dozen, from which on a node takes no new connections. By default 90 % of what the process may have (ulimit -n, LimitNOFILE). 0 lifts the limit.",
    usedBy: nodes,
  },
  drainStatus: {
    env: "FANFARE_DRAIN_STATUS",
    type: "choice",
    choices: ["503", "404"],
    default: "503",
    doc: "What /readyz answers while a node drains. 404 is for HAProxy's http-check disable-on-404, which tells a node that is stopping from one that has failed.",
    usedBy: nodes,
  },
} as const satisfies Record<string, SettingRow>;

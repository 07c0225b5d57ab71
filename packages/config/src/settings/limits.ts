import type { SettingRow } from "./row.ts";

const nodes = ["up", "gateway", "serve"] as const;
const count = { type: "integer", min: 0, max: 1_000_000_000 } as const;

/** How much of everything one caller may have. 0 lifts a limit. */
export const limitSettings = {
  connectsPerAddress: {
    ...count,
    env: "FANFARE_CONNECTS_PER_ADDRESS",
    default: 100,
    doc: "New connections that a node takes in a second from one address (an IPv6 /64 is one), five times as many at once after a quiet time. Those beyond are answered 429 and come back a little later by themselves. Loopback is not limited; 0 lifts the limit.",
    usedBy: nodes,
  },
  connectionsPerAddress: {
    ...count,
    env: "FANFARE_CONNECTIONS_PER_ADDRESS",
    default: 1_000,
    doc: "Connections that one address (an IPv6 /64 is one) may have at the same time, on all nodes together. An office or a mobile network can be one address. Loopback is not limited; 0 lifts the limit.",
    usedBy: nodes,
  },
  connectionsPerUser: {
    ...count,
    env: "FANFARE_CONNECTIONS_PER_USER",
    default: 500,
    doc: "Connections that one user may have at the same time, on all nodes together. Users are those that tokens name. 0 lifts the limit.",
    usedBy: nodes,
  },
  requestsPerConnection: {
    ...count,
    env: "FANFARE_REQUESTS_PER_CONNECTION",
    default: 200,
    doc: "Requests that one connection may make in a second, five times as many at once after a quiet time. Whatever else it sends counts as well, but for its answers to pings. Requests beyond are answered RATE_LIMITED, and who goes on regardless is closed for good. 0 lifts the limit.",
    usedBy: nodes,
  },
  publishesPerKey: {
    ...count,
    env: "FANFARE_PUBLISHES_PER_KEY",
    default: 20_000,
    doc: "Publications that one admin key may make in a second at one admin API, twice as many at once after a quiet time. Those beyond are answered 429. 0 lifts the limit.",
    usedBy: ["up", "admin", "serve"],
  },
  trustedProxies: {
    env: "FANFARE_TRUSTED_PROXIES",
    type: "list",
    item: "an address or a range such as 10.0.0.0/8",
    default: [],
    doc: "The balancers in front, whose X-Forwarded-For says where a request comes from. From anybody else it says nothing. Without them all clients behind a balancer have its address, and its limits.",
    usedBy: ["up", "gateway", "admin", "serve"],
  },
} as const satisfies Record<string, SettingRow>;

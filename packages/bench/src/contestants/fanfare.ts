import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Ready, Stage } from "../process/stage.ts";
import { type Cluster, channel } from "./cluster.ts";

export interface FanfareCluster extends Cluster {
  readonly gateways: readonly Ready[];
  readonly admin: { readonly port: number; readonly token: string };
  /** Settings that every process of it has. */
  readonly shared: Readonly<Record<string, string>>;
}

/** What `fanfare up` opens, too: every publication is stored, and a subscriber may ask for what it missed. */
const rules = { namespaces: { public: { subscribe: "anyone", history: "anyone", retain: { count: 1_000, seconds: 600 } } } };

/** The load generator opens its connections without a pause; what the accept gate does with such is not measured here. */
const openDoors = { FANFARE_ACCEPT_PER_SECOND: "1000000" };

/**
 * One Redis, one admin and `nodes` gateways, as they ship but for `settingsOf` each. The subscribers belong on the last
 * gateway.
 */
export async function fanfareCluster(
  stage: Stage,
  nodes: number,
  settingsOf: (node: number) => Readonly<Record<string, string>> = () => openDoors,
): Promise<FanfareCluster> {
  const redis = await stage.redis();
  const token = randomBytes(16).toString("hex");
  const rulesFile = join(stage.dir, "rules.json");
  await writeFile(rulesFile, JSON.stringify(rules));
  const shared = {
    FANFARE_REDIS_URL: `redis+unix://${redis.socket}`,
    FANFARE_RULES: rulesFile,
    FANFARE_CLUSTER_SECRET: randomBytes(32).toString("hex"),
  };
  const ports = { FANFARE_HOST: "127.0.0.1", FANFARE_PORT: "0", FANFARE_PEER_PORT: "0" };
  const gateways = await Promise.all(
    Array.from({ length: nodes }, (_, node) => stage.fanfare("gateway", { ...shared, ...ports, ...settingsOf(node) })),
  );
  const admin = await stage.fanfare("admin", {
    ...shared,
    FANFARE_ADMIN_HOST: "127.0.0.1",
    FANFARE_ADMIN_PORT: "0",
    FANFARE_ADMIN_KEYS: `bench:${token}`,
    // As for connections: what is measured is the work, not the limit.
    FANFARE_PUBLISHES_PER_KEY: "0",
  });
  const last = gateways.at(-1) ?? admin;
  return {
    publish: { port: admin.port, path: "/v1/publish", token, before: `{"channel":"${channel}","data":`, after: "}" },
    listen: { port: last.port, protocol: "socket.io", channel },
    pids: { listening: last.pid, publishing: admin.pid, redis: redis.pid },
    gateways,
    admin: { port: admin.port, token },
    shared,
  };
}

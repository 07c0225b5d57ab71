import type { Clock } from "@fanfare/domain";
import type { RedisOptions } from "ioredis";
import type { Log } from "./log.ts";
import { lookAtSentinel } from "./sentinel-view.ts";
import { Topology } from "./topology.ts";
import { targetOfSlot } from "./topology-connector.ts";

/**
 * Options that lead to the one primary there is: as they are, or by what the sentinels say now.
 *
 * Not ioredis's own way of asking sentinels: it asks once at each connect and trusts the first answer. A primary that was
 * replaced while a connection to it was coming about keeps that connection for as long as it takes itself for the primary,
 * which is 10 s and more after it thaws.
 */
export function connectOne(options: RedisOptions, log: Log, clock: Clock): { target: RedisOptions; close(): void } {
  const { sentinels, name = "", sentinelPassword, ...login } = options;
  if (sentinels === undefined || sentinels === null) return { target: options, close() {} };
  const topology = new Topology({
    seeds: sentinels.map(({ host = "", port = 0 }) => ({ host, port })),
    login: sentinelPassword === undefined ? {} : { password: sentinelPassword },
    look: lookAtSentinel(name),
    log,
    clock,
  });
  return { target: targetOfSlot(topology, 0, login), close: () => topology.close() };
}

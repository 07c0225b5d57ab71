import { Redis, type RedisOptions } from "ioredis";
import type { Log } from "./log.ts";

/**
 * `commands` asks and is answered; `durable` waits for replicas besides; `subscriber` hears what is announced; `patterns`
 * hears what others PUBLISH.
 */
export type Role = "commands" | "durable" | "subscriber" | "patterns";

/** How long a connection may take to come about, and how long its greeting may. */
const connectTimeoutMs = 1_500;
/** How long Redis may take to answer. With the wait for a connection it stays below the 2 s that callers are promised. */
const commandTimeoutMs = 1_500;
/** How long a connection that is given up may take to say goodbye. */
export const disconnectTimeoutMs = 200;
const retryFirstMs = 25;
const retryMaxMs = 1_000;
const keepAliveMs = 10_000;

/**
 * An ioredis client that comes back for ever and keeps nothing for later: a command that cannot be sent now is refused
 * now. Queued commands would be executed long after their callers were told that they failed, and commands that are sent
 * again after a lost reply would be executed twice.
 *
 * It speaks RESP3 where the server can, so that a subscriber connection can be asked other things, such as PING.
 */
export function connect(target: RedisOptions, role: Role, log: Log): Redis {
  const ours: RedisOptions = {
    connectionName: `fanfare-${role}`,
    connectTimeout: connectTimeoutMs,
    commandTimeout: commandTimeoutMs,
    disconnectTimeout: disconnectTimeoutMs,
    keepAlive: keepAliveMs,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    enableOfflineQueue: false,
    maxRetriesPerRequest: null,
    maxLoadingRetryTime: retryMaxMs / 2,
    retryStrategy: retryDelay,
    // A primary that has become a replica, or has lost the slot, goes on answering: only a new connection finds its
    // successor. Not so with ASK and TRYAGAIN: while a slot is on its way, both ends say no, and another connection as well.
    reconnectOnError: (error) => /^(?:READONLY|MOVED) /.test(error.message),
  };
  // Replies look the same whether a server speaks RESP3 or RESP2.
  const client = new Redis(Object.assign(ours, target, { replyMapping: "legacy" as const }));
  logLink(client, role, log);
  return client;
}

/** Grows to a second and is spread by half, so that the nodes of a cluster do not come back in step. */
function retryDelay(attempt: number): number {
  const delay = Math.min(retryFirstMs * 2 ** Math.min(attempt - 1, 10), retryMaxMs);
  return Math.round(delay * (0.5 + Math.random() / 2));
}

/** Gives a connection up at once; the client makes a new one. */
export function drop(client: Redis): void {
  // Not client.disconnect(true): it waits for a goodbye that a dead peer never says, and called while connecting it ends
  // the client for good.
  client.stream?.destroy();
}

/** Ends the client. Its promises are settled, it does not come back. */
export function end(client: Redis): void {
  client.disconnect();
  client.stream?.destroy();
}

/** One line when the connection is lost and one when it is back, however many attempts lie between. */
function logLink(client: Redis, role: Role, log: Log): void {
  let state: "new" | "up" | "down" = "new";
  let lastError: unknown;
  const lost = (): void => {
    // "end": we have closed it ourselves.
    if (state === "down" || client.status === "end") return;
    state = "down";
    log.warn({ role, reason: reasonOf(lastError) }, "redis is away");
  };
  client.on("error", (error: unknown) => {
    lastError = error;
    if (state === "new") lost();
  });
  client.on("close", lost);
  client.on("ready", () => {
    state = "up";
    lastError = undefined;
    log.info({ role }, "redis is there");
  });
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return "the connection was closed";
  // An AggregateError (one error per address of a name) has no message of its own.
  return error.message || ("code" in error ? String(error.code) : error.name);
}

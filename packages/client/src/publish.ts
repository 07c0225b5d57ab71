import type { Position } from "@fanfare/domain";
import { askPatiently, type Patience } from "./request.ts";
import type { StockSocket } from "./stock-socket.ts";

export interface PublishOptions {
  /** The name that subscribers receive it under, `message` by default. */
  readonly event?: string;
  /** Your own name for it: whatever is published under the same id within ten minutes is stored once. */
  readonly id?: string;
  /** W3C Trace Context: subscribers get it where the channel's rules have `trace`. */
  readonly traceparent?: string;
}

export interface Published extends Position {
  readonly channel: string;
  /** Whether it had been stored before, under this id. */
  readonly duplicate: boolean;
}

/**
 * Publishes. Without an id it is given one, so that a try whose answer was lost does not double it. After a rejection with
 * `NO_ANSWER` or `BROKER_UNAVAILABLE` it may have been stored; the same id makes trying again safe.
 */
export async function publish(
  socket: StockSocket,
  channel: string,
  data: unknown,
  { event, id = randomId(), traceparent }: PublishOptions,
  patience: Patience,
): Promise<Published> {
  const named = event === undefined ? {} : { event };
  const traced = traceparent === undefined ? {} : { traceparent };
  const request = { channel, data, id, ...named, ...traced };
  const stored = await askPatiently<Published>(socket, "publish", request, patience);
  return { channel, epoch: stored.epoch, offset: stored.offset, duplicate: stored.duplicate };
}

/** Not `crypto.randomUUID`, which pages without TLS do not have. */
function randomId(): string {
  return [...crypto.getRandomValues(new Uint32Array(4))].map((word) => word.toString(36)).join("-");
}

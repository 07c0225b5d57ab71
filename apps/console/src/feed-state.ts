import type { Counts } from "@fanfare/client";
import type { Position } from "@fanfare/domain";
import type { Newest } from "./rate.ts";

/** In the words that the page shows. */
export type Status = "Connected" | "Closed" | "Error";

/** What a feed knows at one moment. Replaced, never changed. */
export interface FeedState {
  readonly status: Status;
  /** What an onlooker may want to know about the status; may be empty. */
  readonly detail: string;
  /** `polling`, `websocket`, or empty while there is no connection. */
  readonly transport: string;
  /** Of the last connection; stays while the next one is being made. */
  readonly node: string;
  readonly session: string;
  /** Undefined before there is a place to count from. */
  readonly position: Position | undefined;
  /** Over all connections of this page. */
  readonly counts: Counts;
  readonly newest: Newest;
  /** The cluster said that its broker is away: publications wait. */
  readonly degraded: boolean;
  readonly websocketBlocked: boolean;
  /** How often the server said that the log was gone and the channel had to be loaded anew. */
  readonly reloads: number;
}

export const nothingYet: FeedState = {
  status: "Closed",
  detail: "Connecting",
  transport: "",
  node: "",
  session: "",
  position: undefined,
  counts: { delivered: 0, missed: 0, doubled: 0, outOfOrder: 0 },
  newest: { at: 0, arrivedAt: 0 },
  degraded: false,
  websocketBlocked: false,
  reloads: 0,
};

export function plus(a: Counts, b: Counts): Counts {
  return {
    delivered: a.delivered + b.delivered,
    missed: a.missed + b.missed,
    doubled: a.doubled + b.doubled,
    outOfOrder: a.outOfOrder + b.outOfOrder,
  };
}

import type { Channel } from "./channel.ts";
import type { EventName } from "./event.ts";
import type { Payload } from "./payload.ts";
import type { Position, Seq } from "./position.ts";

/** What a publisher hands over: everything but its place. */
export interface Draft {
  readonly channel: Channel;
  readonly event: EventName;
  readonly payload: Payload;
  /** The publisher's own name for it. The same id with the same content is stored once. */
  readonly id?: string | undefined;
  /** Session ids that do not get it. */
  readonly except?: readonly string[] | undefined;
}

/** A publication that has its place in the log. */
export interface Publication extends Draft, Position {
  readonly seq: Seq;
  /** The seq of the publication before it in its channel, 0 for an epoch's first: a chain that shows every hole. */
  readonly previous: Seq;
}

/** How long a channel's log reaches back: at most `count` publications, none older than `seconds`. 0 keeps no log. */
export interface Retention {
  readonly count: number;
  readonly seconds: number;
}

/** The newest place of a channel. */
export interface ChannelTop extends Position {
  readonly channel: Channel;
  readonly seq: Seq;
}

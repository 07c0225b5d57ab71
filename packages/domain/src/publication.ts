import type { Channel } from "./channel.ts";
import type { EventName } from "./event.ts";
import type { Payload } from "./payload.ts";
import type { Position, Seq } from "./position.ts";
import type { TraceParent } from "./trace-parent.ts";

/** What a publisher hands over: everything but its place. */
export interface Draft {
  readonly channel: Channel;
  readonly event: EventName;
  readonly payload: Payload;
  /** The publisher's own name for it. The same id with the same content is stored once. */
  readonly id?: string | undefined;
  /** Session ids that do not get it. */
  readonly except?: readonly string[] | undefined;
  /** How long it may be replayed and listed, in whole seconds from when it is stored. Absent: as long as the log has it. */
  readonly ttlSeconds?: number | undefined;
  /** Where in a trace it was made. It says nothing about the content: a retry has another one, and is a retry all the same. */
  readonly traceparent?: TraceParent | undefined;
  /** Nodes count how many sessions get it, and say so to the receipts. Only where the channel keeps a log. */
  readonly receipt?: true | undefined;
}

/** What of a draft its channel takes: a trace context only where the rules ask for it. Others' subscribers see nothing of it. */
export function asRuled<D extends Pick<Draft, "traceparent">>(draft: D, { trace }: { readonly trace: boolean }): D {
  return draft.traceparent === undefined || trace ? draft : { ...draft, traceparent: undefined };
}

/** A publication that has its place in the log. */
export interface Publication extends Omit<Draft, "ttlSeconds">, Position {
  readonly seq: Seq;
  /** The seq of the publication before it in its channel, 0 for an epoch's first: a chain that shows every hole. */
  readonly previous: Seq;
  /**
   * Its time to live is over. It keeps its place, so that a log has no holes, and has lost its payload: it MUST NOT be
   * delivered or listed.
   */
  readonly expired?: true;
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

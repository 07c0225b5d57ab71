import type { Broker, Channel, Clock, PubSub, Retention } from "@fanfare/domain";
import type { FanoutObserver } from "./observer.ts";
import type { SlowRule } from "./slow-rule.ts";

/** What a Fanout is put together from. */
export interface FanoutParts {
  readonly broker: Broker;
  readonly pubSub: PubSub;
  /** Prefix of all topics, see FANFARE_CLUSTER. */
  readonly cluster: string;
  /** Name of this node. */
  readonly node: string;
  /** Whether publications carry bookmarks: without recovery nobody would use them. */
  readonly bookmarks: boolean;
  readonly clock: Clock;
  readonly retention: (channel: Channel) => Retention;
  /** What becomes of a channel's subscribers that read too slowly. */
  readonly slow: (channel: Channel) => SlowRule;
  /** Unsent bytes that one connection may have. */
  readonly bufferBytesMax: number;
  /** How long publications may be collected at most, while the node is loaded. */
  readonly flushMsMax: number;
  readonly observer: FanoutObserver;
}

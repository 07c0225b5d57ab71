import type { Channel } from "@fanfare/domain";
import type { Delivered } from "./continuity.ts";
import type { Item } from "./item.ts";
import type { Writer } from "./writer.ts";

/** What one node knows of one channel that it has subscribers for. */
export interface ChannelState {
  readonly channel: Channel;
  readonly partition: number;
  readonly room: string;
  readonly topic: string;
  /** Whether the channel keeps a log: without one, holes cannot be filled and are not spoken of. */
  logged: boolean;
  /** Whether the rules say so, and may say something else tomorrow. */
  readonly ruled: boolean;
  /** Settles when the broker has said where the channel stands. */
  opened: Promise<void>;
  /** Undefined until then. */
  delivered: Delivered | undefined;
  /** Heard before that. */
  readonly early: Item[];
  /** Replays under way, which must not miss what is delivered while they read. */
  readonly captures: Set<Item[]>;
  /** Who is in the room, by id. Undefined for a socket without a writer, which is written to the stock way. */
  readonly members: Map<string, Writer | undefined>;
  /** Subscribers on their way into the room. */
  holds: number;
  /** No longer known to the node. */
  dropped: boolean;
  /** Whether an announcement came since the last comparison with the broker. */
  heard: boolean;
}

import type { ListenTarget } from "../wire/listening.ts";
import type { PublishTarget } from "../wire/post-connection.ts";

/** One contestant, running: where to publish, where to listen, and whose CPU counts. */
export interface Cluster {
  readonly publish: PublishTarget;
  readonly listen: ListenTarget;
  readonly pids: {
    /** The process that holds the subscribers. */
    readonly listening: number;
    /** The process that answers publishes. */
    readonly publishing: number;
    readonly redis: number | undefined;
  };
}

/** The channel of all scenarios with one channel. */
export const channel = "public:bench";

/** Where to publish so that nobody hears it, which warms up the way to the subscribers without filling it. */
export function unheard({ publish }: Cluster): PublishTarget {
  return { ...publish, before: publish.before.replace(channel, `${channel}-unheard`) };
}

/**
 * How many of something a key, such as an address or a user, may have on all nodes together. A node does not ask for each:
 * it holds some in advance and gives them out by itself, so what costs a round trip is only the next handful.
 *
 * Atomic per key: the nodes' holdings never add up to more than the maximum. What a node holds ends `lifeMs` after it last
 * said so; a node that is gone therefore blocks its share for that long. While the broker is away every call rejects with
 * `BROKER_UNAVAILABLE`; whoever depends on it then counts for itself.
 */
export interface Quotas {
  /**
   * Says for each key how many `node` would like to hold from now on, 0 for none. Answers how many it holds: as many, or
   * what the others have left. `max` is per key, and the same on all nodes.
   */
  hold(node: string, kind: string, wants: ReadonlyMap<string, number>, max: number, lifeMs: number): Promise<Map<string, number>>;
}

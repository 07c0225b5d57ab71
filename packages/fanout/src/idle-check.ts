import { type Broker, type Clock, pause } from "@fanfare/domain";
import type { ChannelState } from "./channel-state.ts";
import { standsAt } from "./continuity.ts";

/** Between two rounds, give or take a quarter, so that the nodes of a cluster do not ask all at once. */
const roundMs = 30_000;
/** A channel that has stayed quiet since it was found where it should be is asked about in one of so many rounds. */
const roundsAtRest = 2;
const batchSize = 500;
/** An announcement may still be on its way while the broker already counts it; after this long it is missing. */
const patienceMs = 1_000;

/**
 * Compares channels with the broker every now and then, so that a loss shows even where nothing more is published. The
 * question also keeps the broker from forgetting channels that have subscribers. The returned function ends the watch.
 *
 * Asked about are channels that have gone quiet since the last round, and in turns those that have been for longer: where
 * something is published, the next announcement shows a loss, and a node may have many channels that are at rest.
 */
export function watchIdleChannels(
  channels: Iterable<ChannelState>,
  broker: Pick<Broker, "open">,
  clock: Clock,
  alarm: (partition: number) => void,
): () => void {
  let stopped = false;
  let callOff = (): void => undefined;
  /** Found where they should be and not heard since, with the rounds until they are asked about again. */
  let settled = new Map<ChannelState, number>();
  const round = async (): Promise<void> => {
    const asked: ChannelState[] = [];
    const kept = new Map<ChannelState, number>();
    const known = settled;
    for (const state of channels) {
      const { heard } = state;
      state.heard = false;
      if (heard) continue;
      const wait = known.get(state) ?? 0;
      if (wait > 0) kept.set(state, wait - 1);
      else asked.push(state);
    }
    settled = kept;
    const suspects = await elsewhere(asked, broker).catch(() => undefined);
    // Of a broker that does not answer nothing is known: they are asked about again in the next round.
    // The first wait is spread, so that channels which went quiet together are not asked about together for good.
    let place = 0;
    if (suspects !== undefined) {
      for (const state of asked) kept.set(state, known.has(state) ? roundsAtRest - 1 : place++ % roundsAtRest);
    }
    if (suspects !== undefined && suspects.length > 0) {
      for (const state of suspects) kept.delete(state);
      await pause(patienceMs, clock);
      const behindStill = await elsewhere(suspects, broker).catch(() => []);
      for (const partition of new Set(behindStill.map((state) => state.partition))) alarm(partition);
    }
    schedule();
  };
  const schedule = (): void => {
    if (!stopped) callOff = clock.after(roundMs * (0.75 + Math.random() / 2), () => void round());
  };
  schedule();
  return () => {
    stopped = true;
    callOff();
  };
}

/** Those of the channels that the broker has at another place than this node. */
async function elsewhere(states: readonly ChannelState[], broker: Pick<Broker, "open">): Promise<ChannelState[]> {
  const found: ChannelState[] = [];
  for (let at = 0; at < states.length; at += batchSize) {
    const batch = states.slice(at, at + batchSize);
    const tops = await broker.open(batch.map(({ channel }) => channel));
    batch.forEach((state, index) => {
      const top = tops[index];
      if (state.delivered !== undefined && top !== undefined && !standsAt(state.delivered, top)) found.push(state);
    });
  }
  return found;
}

import { type Broker, type Clock, pause } from "@fanfare/domain";
import type { ChannelState } from "./channel-state.ts";
import { standsAt } from "./continuity.ts";

/** Between two rounds, give or take a quarter, so that the nodes of a cluster do not ask all at once. */
const roundMs = 30_000;
const batchSize = 500;
/** An announcement may still be on its way while the broker already counts it; after this long it is missing. */
const patienceMs = 1_000;

/**
 * Compares channels with the broker every now and then, so that a loss shows even where nothing more is published. The
 * question also keeps the broker from forgetting channels that have subscribers. The returned function ends the watch.
 */
export function watchIdleChannels(
  channels: Iterable<ChannelState>,
  broker: Pick<Broker, "open">,
  clock: Clock,
  alarm: (partition: number) => void,
): () => void {
  let stopped = false;
  let callOff = (): void => undefined;
  const round = async (): Promise<void> => {
    const idle = new Set<ChannelState>();
    const all = [...channels];
    for (const state of all) {
      if (!state.heard) idle.add(state);
      state.heard = false;
    }
    const behind = await elsewhere(all, broker).catch(() => []);
    const suspects = behind.filter((state) => idle.has(state));
    if (suspects.length > 0) {
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

import { nowMicros } from "../clock.ts";
import { serve } from "../process/worker.ts";
import type { Ears } from "../wire/ears.ts";
import type { ListenTarget } from "../wire/listening.ts";
import { nativeEars } from "../wire/native-ears.ts";
import { nodeEars } from "../wire/node-ears.ts";
import { payload } from "../wire/payload.ts";
import type { PublishTarget } from "../wire/post-connection.ts";
import { PostPool } from "../wire/post-pool.ts";
import { type Pace, publishPaced } from "./paced.ts";

export interface Heard {
  readonly messages: number;
  readonly deliveries: number;
  readonly expected: number;
  readonly whole: boolean;
  readonly oneOrder: boolean;
  /** Publications read in one piece: above what the server joined, the reader was late. */
  readonly perRead: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

interface PacedRun {
  readonly publish: PublishTarget;
  readonly pace: Pace;
}

interface SaturatedRun {
  readonly publish: PublishTarget;
  readonly forMs: number;
  /** Publishers that publish again as soon as they are answered. */
  readonly connections: number;
  /** How many publications may be ahead of what the subscribers have heard. */
  readonly aheadMax: number;
  readonly payloadBytes: number;
}

/** Connections to publish on at a fixed rate. */
const pacedConnections = 8;
/** How long the last deliveries may take after the last publication. */
const tailMs = 30_000;
const lookMs = 100;

/** Many subscribers and the publisher that they listen to: the load of a fan-out. */
function swarm() {
  let ears: Ears | undefined;
  let count = 0;
  const hearing = (): Ears => {
    if (ears === undefined) throw new Error("The swarm has not been started.");
    return ears;
  };

  /** Waits until everything has been heard, or for a while. */
  async function heard(messages: number): Promise<Heard> {
    const listening = hearing();
    const expected = messages * count;
    await new Promise<void>((resolve) => {
      const tooLong = setTimeout(resolve, tailMs);
      listening.onHeard = () => {
        if (listening.deliveries < expected) return;
        clearTimeout(tooLong);
        resolve();
      };
      listening.onHeard();
    });
    listening.onHeard = () => {};
    const { deliveries, reads, whole, oneOrder, p50Micros, p99Micros, maxMicros } = await listening.tally(messages);
    const [p50Ms, p99Ms, maxMs] = [p50Micros / 1_000, p99Micros / 1_000, maxMicros / 1_000];
    return { messages, deliveries, expected, whole, oneOrder, perRead: deliveries / reads, p50Ms, p99Ms, maxMs };
  }

  return {
    /** Resolves with the process that reads: a program's where one is given, else this one. */
    async start({ program }: { readonly program?: string | undefined }): Promise<number> {
      ears = program === undefined ? nodeEars() : nativeEars(program);
      return ears.pid;
    },

    /** Opens subscribers beside those that are there. Resolves when all are subscribed. */
    async open({ listen, count: more }: { readonly listen: ListenTarget; readonly count: number }): Promise<void> {
      await hearing().open(listen, more);
      count += more;
    },

    /** Publishes at a fixed rate what nobody here hears. */
    async publish({ publish, pace }: PacedRun): Promise<void> {
      const pool = await PostPool.open(publish, pacedConnections);
      await publishPaced(pool, pace).finally(() => pool.close());
    },

    /** Publishes at a fixed rate and listens. */
    async paced({ publish, pace }: PacedRun): Promise<Heard> {
      await hearing().reset();
      const pool = await PostPool.open(publish, pacedConnections);
      await publishPaced(pool, pace).finally(() => pool.close());
      return heard(pace.messages);
    },

    /**
     * Publishes as fast as it is answered, but never further ahead of the subscribers than allowed. Without that bound a
     * server that accepts more than it delivers would only be filled up, and how long it then takes is another question.
     */
    async saturated({ publish, forMs, connections, aheadMax, payloadBytes }: SaturatedRun): Promise<Heard> {
      const listening = hearing();
      await listening.reset();
      const pool = await PostPool.open(publish, connections);
      const deadline = performance.now() + forMs;
      const waiting: (() => void)[] = [];
      const wake = () => {
        for (const resume of waiting.splice(0)) resume();
      };
      listening.onHeard = wake;
      // Also when nothing is heard any more: then the deadline has to be looked at.
      const looking = setInterval(wake, lookMs);
      let published = 0;
      const publisher = async (): Promise<void> => {
        while (performance.now() < deadline) {
          if (published - listening.deliveries / count >= aheadMax) await new Promise<void>((resolve) => waiting.push(resolve));
          else {
            published += 1;
            await pool.publish(payload(published, nowMicros(), payloadBytes));
          }
        }
      };
      try {
        await Promise.all(Array.from({ length: connections }, publisher));
      } finally {
        clearInterval(looking);
        pool.close();
      }
      return heard(published);
    },
  };
}

export type SwarmDuties = ReturnType<typeof swarm>;
serve(swarm());

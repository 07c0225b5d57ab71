import { setTimeout as sleep } from "node:timers/promises";
import { nowMicros } from "../clock.ts";
import { serve } from "../process/worker.ts";
import { percentile } from "../report/statistics.ts";
import type { ListenTarget } from "../wire/listening.ts";
import { payload } from "../wire/payload.ts";
import type { PublishTarget } from "../wire/post-connection.ts";
import { PostPool } from "../wire/post-pool.ts";
import { Subscriber, type Tally } from "../wire/subscriber.ts";
import { type Pace, publishPaced } from "./paced.ts";

export interface Heard {
  readonly deliveries: number;
  readonly expected: number;
  /** Whether each subscriber got each publication, judged by their count and the sum of their numbers. */
  readonly whole: boolean;
  /** Publications read in one piece: above what the server joined, the reader was late. */
  readonly perRead: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

interface PacedRun {
  readonly publish: PublishTarget;
  readonly pace: Pace;
}

interface SaturatedRun {
  readonly publish: PublishTarget;
  readonly messages: number;
  /** How many publications may be under way. */
  readonly window: number;
  readonly payloadBytes: number;
}

/** How many subscribers open at a time. */
const openingMax = 50;
/** Connections to publish on at a fixed rate. */
const pacedConnections = 4;
/** One subscriber in so many measures latency. */
const sampleEvery = 16;
/** How long the last deliveries may take after the last publication. */
const tailMs = 15_000;
const pollMs = 5;
const readBytes = 256 * 1_024;

/** Many subscribers and the publisher that they listen to, in one process: the load of a fan-out. */
function swarm() {
  const shared = Buffer.allocUnsafe(readBytes);
  const subscribers: Subscriber[] = [];
  const latencies: number[] = [];
  const tally: Tally = {
    deliveries: 0,
    reads: 0,
    onRead: () => {},
    onSample: (atMicros) => latencies.push(nowMicros() - atMicros),
  };

  function reset(): void {
    for (const subscriber of subscribers) subscriber.reset();
    latencies.length = 0;
    tally.deliveries = 0;
    tally.reads = 0;
  }

  async function heard(messages: number): Promise<Heard> {
    const expected = messages * subscribers.length;
    for (const deadline = performance.now() + tailMs; tally.deliveries < expected && performance.now() < deadline; ) {
      await sleep(pollMs);
    }
    const sum = (messages * (messages + 1)) / 2;
    return {
      deliveries: tally.deliveries,
      expected,
      whole: subscribers.every(({ received }) => received.count === messages && received.sum === sum),
      perRead: tally.deliveries / tally.reads,
      p50Ms: percentile(latencies, 0.5) / 1_000,
      p99Ms: percentile(latencies, 0.99) / 1_000,
    };
  }

  return {
    /** Opens subscribers. Resolves when all are subscribed. */
    async open({ listen, count }: { readonly listen: ListenTarget; readonly count: number }): Promise<void> {
      const opened = Array.from({ length: count }, (_, index) => new Subscriber(listen, tally, index % sampleEvery === 0));
      subscribers.push(...opened);
      const lanes = Array.from({ length: openingMax }, async () => {
        for (let next = opened.pop(); next !== undefined; next = opened.pop()) await next.open(shared);
      });
      await Promise.all(lanes);
    },

    /** Publishes at a fixed rate and listens. */
    async paced({ publish, pace }: PacedRun): Promise<Heard> {
      reset();
      const pool = await PostPool.open(publish, pacedConnections);
      await publishPaced(pool, pace).finally(() => pool.close());
      return heard(pace.messages);
    },

    /**
     * Publishes as fast as all subscribers hear it, never more than `window` publications ahead of them. Without such a
     * bound the publisher would only fill queues, and take the reader's core with it.
     */
    async saturated({ publish, messages, window, payloadBytes }: SaturatedRun): Promise<Heard> {
      reset();
      const pool = await PostPool.open(publish, window);
      const answers: Promise<void>[] = [];
      const pump = () => {
        while (answers.length < messages && answers.length - tally.deliveries / subscribers.length < window) {
          const answer = pool.publish(payload(answers.length + 1, nowMicros(), payloadBytes));
          answer.catch(() => {});
          answers.push(answer);
        }
      };
      tally.onRead = pump;
      try {
        pump();
        return await heard(messages);
      } finally {
        tally.onRead = () => {};
        await Promise.all(answers).finally(() => pool.close());
      }
    },
  };
}

export type SwarmDuties = ReturnType<typeof swarm>;
serve(swarm());

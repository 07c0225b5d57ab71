import { nowMicros } from "../clock.ts";
import { percentile } from "../report/statistics.ts";
import { type Ears, openingMax, sampleEvery } from "./ears.ts";
import { Subscriber, type Tally } from "./subscriber.ts";

const readBytes = 256 * 1_024;

/** Subscribers in this process: where there is no compiler for native/ears.c. */
export function nodeEars(): Ears {
  const shared = Buffer.allocUnsafe(readBytes);
  const subscribers: Subscriber[] = [];
  const latencies: number[] = [];
  const counted: Tally = {
    deliveries: 0,
    reads: 0,
    onRead: () => ears.onHeard(),
    onSample: (atMicros) => latencies.push(nowMicros() - atMicros),
  };
  const ears: Ears = {
    pid: process.pid,
    get deliveries() {
      return counted.deliveries;
    },
    onHeard: () => {},
    async open(listen, count) {
      const waiting = Array.from({ length: count }, (_, index) => new Subscriber(listen, counted, index % sampleEvery === 0));
      subscribers.push(...waiting);
      const lanes = Array.from({ length: openingMax }, async () => {
        for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) await next.open(shared);
      });
      await Promise.all(lanes);
    },
    async reset() {
      for (const subscriber of subscribers) subscriber.reset();
      latencies.length = 0;
      counted.deliveries = 0;
      counted.reads = 0;
    },
    async tally(messages) {
      const sum = (messages * (messages + 1)) / 2;
      const [p50Micros, p99Micros, maxMicros] = [0.5, 0.99, 1].map((share) => percentile(latencies, share));
      return {
        deliveries: counted.deliveries,
        reads: counted.reads,
        whole: subscribers.every(({ received }) => received.count === messages && received.sum === sum),
        oneOrder: subscribers.every(({ received }) => received.order === subscribers[0]?.received.order),
        p50Micros: p50Micros ?? Number.NaN,
        p99Micros: p99Micros ?? Number.NaN,
        maxMicros: maxMicros ?? Number.NaN,
      };
    },
  };
  return ears;
}

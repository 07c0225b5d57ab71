import { once } from "node:events";
import { connect } from "amqplib";
import { Redis } from "ioredis";
import { nowMicros } from "../clock.ts";
import { serve } from "../process/worker.ts";
import { payload } from "../wire/payload.ts";

/** Where messages go in: one address of one source. */
export interface Spring {
  readonly source: "zeromq" | "amqp" | "stream";
  /** A ZeroMQ address, a URL of RabbitMQ, or the socket of a Redis. */
  readonly address: string;
  /** The queue or the stream. */
  readonly name: string;
}

interface FeedWish {
  readonly spring: Spring;
  readonly channel: string;
  readonly messages: number;
  readonly payloadBytes: number;
}

/** Stream entries that are added with one round trip. */
const pipelined = 500;
/** Messages between two looks at whether RabbitMQ holds us up. */
const burst = 200;

const feeds: Record<Spring["source"], (wish: FeedWish) => Promise<void>> = {
  async zeromq({ spring, channel, messages, payloadBytes }) {
    const { Push } = await import("zeromq");
    const socket = new Push({ sendHighWaterMark: 10_000, linger: 10_000 });
    socket.connect(spring.address);
    for (let n = 1; n <= messages; n++) await socket.send([channel, payload(n, nowMicros(), payloadBytes)]);
    socket.close();
  },

  async amqp({ spring, channel, messages, payloadBytes }) {
    const connection = await connect(spring.address);
    const sending = await connection.createConfirmChannel();
    for (let n = 1; n <= messages; n++) {
      const content = Buffer.from(payload(n, nowMicros(), payloadBytes));
      const goesOn = sending.sendToQueue(spring.name, content, { headers: { channel }, messageId: `${nowMicros()}-${n}` });
      if (!goesOn) await once(sending, "drain");
      if (n % burst === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await sending.waitForConfirms();
    await connection.close();
  },

  async stream({ spring, channel, messages, payloadBytes }) {
    const redis = new Redis(spring.address);
    for (let n = 1; n <= messages; ) {
      const pipeline = redis.pipeline();
      for (const last = Math.min(messages, n + pipelined - 1); n <= last; n++) {
        pipeline.xadd(spring.name, "*", "channel", channel, "data", payload(n, nowMicros(), payloadBytes));
      }
      await pipeline.exec();
    }
    redis.disconnect();
  },
};

const duties = {
  /** Sends messages as fast as the source takes them. */
  async feed(wish: FeedWish): Promise<void> {
    await feeds[wish.spring.source](wish);
  },
};

export type FeederDuties = typeof duties;
serve(duties);

import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "amqplib";
import { Redis } from "ioredis";
import { serve } from "../process/worker.ts";
import type { Spring } from "./feeder.ts";

const prefetch = 500;
const group = "bare";
const pollMs = 2;

/** The control of ingestion: the same library in the loop of its own documentation. It acknowledges and forgets. */
function bareConsumer() {
  let consumed = 0;

  const consume: Record<Spring["source"], (spring: Spring) => Promise<void>> = {
    async zeromq({ address }) {
      const { Pull } = await import("zeromq");
      const socket = new Pull({ receiveHighWaterMark: 250_000 });
      await socket.bind(address);
      void (async () => {
        for await (const _ of socket) consumed += 1;
      })();
    },

    async amqp({ address, name }) {
      const connection = await connect(address);
      const channel = await connection.createChannel();
      await channel.assertQueue(name, { durable: true });
      await channel.prefetch(prefetch);
      await channel.consume(name, (message) => {
        if (message === null) return;
        channel.ack(message);
        consumed += 1;
      });
    },

    async stream({ address, name }) {
      const redis = new Redis(address);
      await redis.xgroup("CREATE", name, group, "$", "MKSTREAM");
      void (async () => {
        for (;;) {
          const read = await redis.xreadgroup("GROUP", group, "one", "COUNT", prefetch, "BLOCK", 1_000, "STREAMS", name, ">");
          const entries = (read as [string, [string, string[]][]][] | null)?.[0]?.[1] ?? [];
          if (entries.length === 0) continue;
          await redis.xack(name, group, ...entries.map(([id]) => id));
          consumed += entries.length;
        }
      })();
    },
  };

  return {
    async start(spring: Spring): Promise<void> {
      await consume[spring.source](spring);
    },

    /** Resolves when so many more have been consumed than at the last such time. */
    async consumed({ messages }: { readonly messages: number }): Promise<void> {
      while (consumed < messages) await sleep(pollMs);
      consumed -= messages;
    },
  };
}

export type BareDuties = ReturnType<typeof bareConsumer>;
serve(bareConsumer());

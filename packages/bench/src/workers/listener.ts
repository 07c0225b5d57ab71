import { setTimeout as sleep } from "node:timers/promises";
import { io, type Socket } from "socket.io-client";
import { nowMicros } from "../clock.ts";
import { serve } from "../process/worker.ts";
import type { ListenTarget } from "../wire/listening.ts";

/** How long the last messages may take. */
const tailMs = 5_000;
const pollMs = 5;

/** A stock client over websocket that notes how old each publication is when its handler is called. */
function listener() {
  const latencies: number[] = [];
  const opened: Socket[] = [];
  return {
    async open({ port, channel }: ListenTarget): Promise<void> {
      const socket = io(`http://127.0.0.1:${port}`, { transports: ["websocket"] });
      opened.push(socket);
      socket.on("message", ({ t }: { readonly t: number }) => latencies.push(nowMicros() - t));
      const answer = await socket.timeout(5_000).emitWithAck("subscribe", channel);
      if (answer.ok !== true) throw new Error(`The subscriber was refused: ${JSON.stringify(answer)}`);
    },

    /** Waits until so many have been heard since it was last asked, or for a while, and hands them over, in µs. */
    async take({ count }: { readonly count: number }): Promise<number[]> {
      for (const deadline = performance.now() + tailMs; latencies.length < count && performance.now() < deadline; ) {
        await sleep(pollMs);
      }
      return latencies.splice(0);
    },
  };
}

export type ListenerDuties = ReturnType<typeof listener>;
serve(listener());

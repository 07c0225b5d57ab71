import { nowMicros } from "../clock.ts";
import { serve } from "../process/worker.ts";
import { postLines } from "../wire/line-stream.ts";
import { payload } from "../wire/payload.ts";
import { PostConnection, type PublishTarget } from "../wire/post-connection.ts";
import { PostPool } from "../wire/post-pool.ts";
import { type Pace, publishPaced } from "./paced.ts";

export interface Flood {
  readonly target: PublishTarget;
  readonly how: "single" | "batch" | "lines";
  readonly connections: number;
  /** Publications in one request; 1 with `single`. With `lines`, how many lines may wait for their answers. */
  readonly together: number;
  readonly payloadBytes: number;
  readonly forMs: number;
}

interface Flooded {
  readonly publications: number;
  readonly ms: number;
}

const duties = {
  async paced({ target, pace, connections }: { target: PublishTarget; pace: Pace; connections: number }): Promise<void> {
    const pool = await PostPool.open(target, connections);
    await publishPaced(pool, pace).finally(() => pool.close());
  },

  /** Publishes on all connections as fast as answers come. Each answer is looked at: a refusal ends the run. */
  async flood(flood: Flood): Promise<Flooded> {
    const started = performance.now();
    const on = flood.how === "lines" ? floodLines : floodPosts;
    const counts = await Promise.all(Array.from({ length: flood.connections }, () => on(flood, started + flood.forMs)));
    return { publications: counts.reduce((sum, count) => sum + count, 0), ms: performance.now() - started };
  },
};

async function floodPosts({ target, how, together, payloadBytes }: Flood, deadline: number): Promise<number> {
  const connection = await PostConnection.open(target);
  const one = (n: number) => `${target.before}${payload(n, nowMicros(), payloadBytes)}${target.after}`;
  let count = 0;
  while (performance.now() < deadline) {
    if (how === "single") await connection.post(one(count + 1));
    else {
      const items = Array.from({ length: together }, (_, index) => one(count + index + 1));
      const answer = await connection.post(`{"items":[${items.join(",")}]}`);
      const stored = answer.split('"offset":').length - 1;
      if (stored !== together) throw new Error(`Of ${together} items ${stored} were stored: ${answer.slice(0, 500)}`);
    }
    count += together;
  }
  connection.close();
  return count;
}

function floodLines({ target, together, payloadBytes }: Flood, deadline: number): Promise<number> {
  const line = (n: number) => `${target.before}${payload(n, nowMicros(), payloadBytes)}${target.after}\n`;
  return postLines(target, line, together, deadline);
}

export type PublisherDuties = typeof duties;
serve(duties);

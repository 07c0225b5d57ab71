import { setTimeout as sleep } from "node:timers/promises";
import { nowMicros } from "../clock.ts";
import { payload } from "../wire/payload.ts";
import type { PostPool } from "../wire/post-pool.ts";

export interface Pace {
  readonly messages: number;
  readonly perSecond: number;
  readonly payloadBytes: number;
}

/**
 * Publishes at a fixed rate whether or not answers come: a slow server gets no rest from it. The time in a publication is
 * when its turn came, so waiting for a free connection counts as latency. Resolves when all are answered.
 */
export async function publishPaced(pool: PostPool, { messages, perSecond, payloadBytes }: Pace): Promise<void> {
  const started = performance.now();
  const answers: Promise<void>[] = [];
  for (let n = 1; n <= messages; n++) {
    const early = started + ((n - 1) * 1_000) / perSecond - performance.now();
    if (early > 0) await sleep(early);
    const answer = pool.publish(payload(n, nowMicros(), payloadBytes));
    // Rejections are told at the end; until then nobody would be listening for one.
    answer.catch(() => {});
    answers.push(answer);
  }
  await Promise.all(answers);
}

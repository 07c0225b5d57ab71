import { setTimeout as sleep } from "node:timers/promises";
import { nowMicros } from "../clock.ts";
import { serve } from "../process/worker.ts";
import { percentile } from "../report/statistics.ts";
import { payload } from "../wire/payload.ts";
import type { PublishTarget } from "../wire/post-connection.ts";
import { PostPool } from "../wire/post-pool.ts";
import { ReturningClient } from "../wire/returning.ts";

interface Opening {
  readonly channel: string;
  readonly recovers: boolean;
  readonly port: number;
  readonly count: number;
}

interface Storm {
  readonly publish: PublishTarget;
  /** The process to be killed, and the ports of those that are left. */
  readonly victim: number;
  readonly refuges: readonly number[];
  readonly perSecond: number;
  readonly payloadBytes: number;
  readonly forMsMax: number;
}

interface StormReport {
  readonly clients: number;
  readonly back: number;
  readonly sameSession: number;
  readonly backMs: readonly [p50: number, p99: number, max: number];
  readonly caughtUpMs: readonly [p50: number, p99: number, max: number];
  readonly published: number;
  readonly lost: number;
  readonly doubled: number;
  readonly refusals: number;
}

const openingMax = 50;
/** Publications before the storm, so that each client has something to come back with. */
const before = 3;
const pollMs = 20;
const tailMs = 10_000;

/** Many clients that are cut off at once and come back by themselves, and the publisher that they listen to. */
function returners() {
  const clients: ReturningClient[] = [];
  let ports: readonly number[] = [];
  let turn = 0;
  let published = 0;

  return {
    async open({ channel, recovers, port, count }: Opening): Promise<void> {
      ports = [port];
      const host = {
        channel,
        recovers,
        shared: Buffer.allocUnsafe(256 * 1_024),
        nextPort: () => ports[turn++ % ports.length] ?? port,
        published: () => published,
      };
      const waiting = Array.from({ length: count }, () => new ReturningClient(host));
      clients.push(...waiting);
      const lanes = Array.from({ length: openingMax }, async () => {
        for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) await next.open();
      });
      await Promise.all(lanes);
    },

    async storm({ publish, victim, refuges, perSecond, payloadBytes, forMsMax }: Storm): Promise<StormReport> {
      const pool = await PostPool.open(publish, 4);
      const say = async (): Promise<void> => {
        const n = published + 1;
        await pool.publish(payload(n, nowMicros(), payloadBytes));
        published = n;
      };
      for (let n = 0; n < before; n++) await say();
      await until(() => clients.every(({ last }) => last === published), tailMs);

      ports = refuges;
      for (const client of clients) client.mark();
      process.kill(victim, "SIGKILL");
      const deadline = performance.now() + forMsMax;
      // One after the other, and never more often than said: the next waits for the answer to the one before.
      while (performance.now() < deadline && clients.some(({ fared }) => Number.isNaN(fared.caughtUp))) {
        await Promise.all([say(), sleep(1_000 / perSecond)]);
      }
      await until(() => clients.every(({ last }) => last === published), tailMs);
      pool.close();
      for (const client of clients) client.end();

      const fared = clients.map((client) => client.fared);
      const back = fared.map((one) => one.back).filter((ms) => !Number.isNaN(ms));
      const caughtUp = fared.map((one) => one.caughtUp).filter((ms) => !Number.isNaN(ms));
      return {
        clients: clients.length,
        back: back.length,
        sameSession: fared.filter(({ sameSession }) => sameSession).length,
        backMs: spread(back),
        caughtUpMs: spread(caughtUp),
        published,
        lost: clients.reduce((sum, { lost, last }) => sum + lost + (published - last), 0),
        doubled: clients.reduce((sum, { doubled }) => sum + doubled, 0),
        refusals: fared.reduce((sum, { refusals }) => sum + refusals, 0),
      };
    },
  };
}

function spread(values: readonly number[]): [number, number, number] {
  return [percentile(values, 0.5), percentile(values, 0.99), Math.max(0, ...values)];
}

async function until(done: () => boolean, forMs: number): Promise<void> {
  for (const deadline = performance.now() + forMs; !done() && performance.now() < deadline; ) await sleep(pollMs);
}

export type ReturnersDuties = ReturnType<typeof returners>;
serve(returners());

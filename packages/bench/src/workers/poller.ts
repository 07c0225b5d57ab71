import { serve } from "../process/worker.ts";
import { percentile } from "../report/statistics.ts";
import { PollingSession } from "../wire/polling.ts";

interface PollWish {
  /** Where the sessions begin, and so belong. */
  readonly owner: number;
  /** Where all further requests go. */
  readonly to: number;
  readonly sessions: number;
  readonly forMs: number;
}

interface Polled {
  readonly requests: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const duties = {
  /** Asks for echoes over long-polling, each session again as soon as it has its answer. */
  async poll({ owner, to, sessions, forMs }: PollWish): Promise<Polled> {
    const tookMs: number[] = [];
    let requests = 0;
    const opened = await Promise.all(
      Array.from({ length: sessions }, async () => {
        const session = new PollingSession(owner);
        await session.open();
        return session;
      }),
    );
    const deadline = performance.now() + forMs;
    await Promise.all(
      opened.map(async (session) => {
        while (performance.now() < deadline) {
          const started = performance.now();
          requests += await session.echo(to);
          tookMs.push(performance.now() - started);
        }
        session.close();
      }),
    );
    return { requests, p50Ms: percentile(tookMs, 0.5), p99Ms: percentile(tookMs, 0.99) };
  },
};

export type PollerDuties = typeof duties;
serve(duties);

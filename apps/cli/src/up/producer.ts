import { setTimeout as sleep } from "node:timers/promises";
import { type AdminAddress, postToAdmin, refusalOf } from "../admin-client.ts";

export interface Producer {
  /** Resolves when the first point is stored; rejects when it is refused. */
  readonly started: Promise<void>;
  stop(): void;
}

const channel = "demo:sine";
/** Ten points a second. */
const periodMs = 100;
/** How long to wait with a point that nobody could store. */
const retryMs = 500;

/** A full wave takes 50 points, so that two are seen in the console's window of 100. */
export function pointAt(x: number): { x: number; y: number } {
  return { x, y: 2.5 * (1 + Math.sin(x / 8)) };
}

/**
 * Publishes a sine wave through the admin API, for as long as it is not stopped. A point whose outcome is unknown is sent
 * again under the same id, so the wave has neither holes nor doubles however the cluster is treated.
 */
export function startProducer(address: AdminAddress, run: string, onRefusal: (reason: string) => void): Producer {
  const stopped = new AbortController();
  let began: () => void = () => {};
  let refused: (reason: unknown) => void = () => {};
  const started = new Promise<void>((resolve, reject) => {
    began = resolve;
    refused = reject;
  });

  const produce = async (): Promise<void> => {
    const zero = performance.now();
    for (let x = 0; !stopped.signal.aborted; x++) {
      await publishPoint(address, x, `${run}-${x}`, stopped.signal);
      began();
      // Against the start, not the last point: the rate stays ten a second whatever a publish costs. After an outage
      // it goes on from now instead of catching up.
      const behindMs = performance.now() - zero - x * periodMs;
      await sleep(Math.max(0, periodMs - (behindMs % periodMs)), undefined, { signal: stopped.signal });
    }
  };
  produce().catch((error: unknown) => {
    if (stopped.signal.aborted) return;
    refused(error);
    onRefusal(error instanceof Error ? error.message : String(error));
  });
  return { started, stop: () => stopped.abort() };
}

async function publishPoint(address: AdminAddress, x: number, id: string, signal: AbortSignal): Promise<void> {
  const body = JSON.stringify({ channel, event: "point", id, data: pointAt(x) });
  while (!signal.aborted) {
    const answer = await postToAdmin(address, "/v1/publish", body).catch(() => undefined);
    if (answer?.status === 200) return;
    // Nobody there, or too much, or the broker away: the same again later. Anything else will not change by itself.
    if (answer !== undefined && answer.status !== 429 && answer.status < 500) throw refusalOf(answer);
    await sleep(retryMs, undefined, { signal });
  }
}

import { randomBytes } from "node:crypto";
import type { SendWebhook } from "@fanfare/access";
import { type Clock, type Deliveries, type LifecycleEvent, type LifecycleLog, lifecycleStart, pause } from "@fanfare/domain";
import type { Log, Metrics } from "@fanfare/telemetry";

/** How often is looked whether there is something to deliver, or somebody to take over from. */
const periodMs = 500;
/** Longer than one delivery takes at the most. */
const leaseMs = 30_000;
/** Events of one request. */
const batchMax = 100;
/** Events read at once, of which some may be filtered away. */
const readMax = 500;
/** Between two tries of the same batch; it doubles from try to try. */
const retryMs = 1_000;
const retryMsMax = 60_000;
const errorLengthMax = 200;
const leaveMs = 2_000;

export interface WebhookPusherParts {
  readonly lifecycle: LifecycleLog;
  readonly deliveries: Deliveries;
  readonly send: SendWebhook;
  /** Undefined: all. */
  readonly types?: ReadonlySet<string> | undefined;
  /** After so many tries a batch is put aside, so that those behind it are not held up for ever. */
  readonly tries: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Pick<Metrics, "webhookRequests" | "webhookEvents" | "webhookLag">;
}

/**
 * Delivers the lifecycle log to the application: one process of the cluster, in the log's order, a batch at a time, each until
 * it is accepted or given up. What was accepted and could not be noted is delivered again, under the same ids.
 */
export class WebhookPusher {
  readonly #parts: WebhookPusherParts;
  readonly #holder = randomBytes(9).toString("base64url");
  /** Of the batch that stands first. */
  #tries = 0;
  #triesOf = "";
  #nextTryAtMs = 0;
  #broken = false;
  #stopped = false;
  #callOff = (): void => undefined;
  #round: Promise<void> = Promise.resolve();

  constructor(parts: WebhookPusherParts) {
    this.#parts = parts;
    this.#schedule(0);
  }

  /** Lets another process go on. Never rejects. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#callOff();
    // One that is on its way may take longer than a process has to end; who goes on sends it again under the same ids.
    await Promise.race([this.#round, pause(leaveMs, this.#parts.clock)]);
    await this.#parts.deliveries.resign(this.#holder).catch(() => undefined);
  }

  #schedule(ms: number): void {
    if (this.#stopped) return;
    this.#callOff = this.#parts.clock.after(ms, () => {
      this.#round = this.#go().then((delayMs) => this.#schedule(delayMs));
    });
  }

  async #go(): Promise<number> {
    const { log } = this.#parts;
    try {
      // As long as there is more, without a pause.
      while (!this.#stopped && (await this.#step()));
      if (this.#broken) log.info("webhooks go on");
      this.#broken = false;
    } catch (err) {
      if (!this.#broken) log.warn({ err }, "webhooks stand still");
      this.#broken = true;
    }
    return periodMs;
  }

  /** Whether there may be more to do at once. */
  async #step(): Promise<boolean> {
    const { deliveries, lifecycle, clock, types, metrics } = this.#parts;
    const lead = await deliveries.lead(this.#holder, leaseMs);
    if (lead === undefined) {
      metrics.webhookLag.set(0);
      return false;
    }
    if (clock.monotonic() < this.#nextTryAtMs) return false;
    if (lead.after === undefined) {
      // What was before anybody wanted to be told is nobody's news.
      await deliveries.advance(this.#holder, await lifecycle.newest());
      return true;
    }
    if (await this.#tryAgain()) return true;
    const { events, gap } = await lifecycle.read(lead.after, readMax);
    const wanted = events.filter(({ type }) => types?.has(type) ?? true).slice(0, batchMax);
    const [first] = wanted;
    metrics.webhookLag.set(first === undefined ? 0 : Math.max(0, clock.now() - first.at) / 1_000);
    if (first === undefined) {
      const last = events.at(-1)?.id ?? (gap ? lifecycleStart : undefined);
      if (last !== undefined) await deliveries.advance(this.#holder, last);
      return events.length === readMax;
    }
    // What is filtered away behind the batch is passed over with it; it would be read once more otherwise.
    const last = (wanted.length < batchMax ? events : wanted).at(-1)?.id ?? first.id;
    return this.#deliver(first.id, wanted, gap, last);
  }

  async #deliver(id: string, events: readonly LifecycleEvent[], gap: boolean, last: string): Promise<boolean> {
    const { deliveries, clock, log, metrics, tries: triesMax } = this.#parts;
    this.#tries = this.#triesOf === id ? this.#tries + 1 : 1;
    this.#triesOf = id;
    const error = await this.#send({ events, ...(gap ? { gap } : {}) });
    if (error === undefined) {
      await deliveries.advance(this.#holder, last);
      return true;
    }
    if (this.#tries < triesMax) {
      metrics.webhookRequests.inc({ outcome: "failed" });
      this.#pause();
      return false;
    }
    metrics.webhookRequests.inc({ outcome: "given_up" });
    log.warn({ first: id, events: events.length, tries: this.#tries, error }, "events could not be delivered and are put aside");
    await deliveries.advance(this.#holder, last, { id, at: clock.now(), tries: this.#tries, error, events });
    return true;
  }

  /** One of those that somebody wants tried again, once. Whether there was one. */
  async #tryAgain(): Promise<boolean> {
    const { deliveries, clock, metrics } = this.#parts;
    const letter = await deliveries.due();
    if (letter === undefined) return false;
    const error = await this.#send({ events: letter.events });
    if (error === undefined) await deliveries.settle(letter.id);
    else {
      metrics.webhookRequests.inc({ outcome: "given_up" });
      await deliveries.bury({ ...letter, at: clock.now(), tries: letter.tries + 1, error });
    }
    return true;
  }

  /** What it failed with; undefined when it is delivered. */
  async #send(body: { readonly events: readonly LifecycleEvent[]; readonly gap?: boolean }): Promise<string | undefined> {
    const { send, clock, metrics } = this.#parts;
    try {
      await send(JSON.stringify(body), clock.now());
    } catch (thrown) {
      return messageOf(thrown).slice(0, errorLengthMax);
    }
    metrics.webhookRequests.inc({ outcome: "delivered" });
    metrics.webhookEvents.inc(body.events.length);
    return undefined;
  }

  /** Uneven, so that several clusters do not come back to one application in step. */
  #pause(): void {
    const ms = Math.min(retryMs * 2 ** (this.#tries - 1), retryMsMax);
    this.#nextTryAtMs = this.#parts.clock.monotonic() + ms * (0.75 + Math.random() / 2);
  }
}

/** `fetch` says only that it failed; why is in the cause. */
function messageOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return "no answer";
  return thrown.cause instanceof Error ? `${thrown.message}: ${thrown.cause.message}` : thrown.message;
}

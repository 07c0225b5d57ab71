import {
  asFanfareError,
  asRuled,
  type Broker,
  type Channel,
  type Clock,
  type DuePlan,
  type Retention,
  type Schedule,
} from "@fanfare/domain";
import type { Log } from "./log.ts";

export interface FireScheduledParts {
  readonly schedule: Pick<Schedule, "take" | "done">;
  readonly broker: Pick<Broker, "publish">;
  readonly rules: (channel: Channel) => { readonly retain: Retention; readonly trace: boolean };
  readonly clock: Pick<Clock, "after">;
  /** Told for each publication what became of it. */
  readonly fired: (outcome: "stored" | "duplicate" | "conflict" | "failed") => void;
  readonly log: Log;
  /**
   * How long a time must be past before this process steps in: 0 where it is the process's task, more where it only stands
   * in for those whose task it is.
   */
  readonly overdueMs: number;
}

export interface Firing {
  /** Something was added that is due in so many milliseconds. */
  expect(inMs: number): void;
  stop(): void;
}

/** How often is looked, whatever is known: others add, and others are lost. */
const periodMs = 1_000;
/** Plans at a time. Each of them is at most a request body. */
const takeMax = 50;
/** Longer than a publish takes until it fails. */
const leaseMs = 5_000;

/**
 * Publishes what was scheduled when its time has come. Any number of processes do this side by side; each plan is handed to
 * one of them. A plan of which not everything could be stored is tried again in 5 s, by whoever asks first: publications have
 * ids, so none is stored twice. While the broker is away nothing happens, and what became due meanwhile is published as soon
 * as it is back.
 */
export function fireScheduled({ schedule, broker, rules, clock, fired, log, overdueMs }: FireScheduledParts): Firing {
  let stopped = false;
  let running = false;
  let nextInMs = periodMs;
  let callOff = (): void => undefined;

  async function round(): Promise<void> {
    running = true;
    nextInMs = periodMs + overdueMs;
    try {
      const taken = await schedule.take({ overdueMs, limit: takeMax, leaseMs });
      if (taken.nextInMs !== undefined) nextInMs = Math.min(nextInMs, taken.nextInMs + overdueMs);
      const settled = await Promise.all(taken.plans.map(fire));
      const done = taken.plans.flatMap(({ scheduledId }, index) => (settled[index] ? [scheduledId] : []));
      if (done.length > 0) await schedule.done(done);
      if (taken.plans.length === takeMax) nextInMs = 0;
    } catch {
      // The broker is away, and whoever publishes has noticed.
      nextInMs = periodMs;
    }
    running = false;
    wake();
  }

  function wake(): void {
    if (!stopped) callOff = clock.after(nextInMs, () => void round());
  }

  /** Whether there is nothing left to try. */
  async function fire({ scheduledId, channels, content }: DuePlan): Promise<boolean> {
    const id = content.id ?? `scheduled-${scheduledId}`;
    const settled = await Promise.all(
      channels.map(async (channel) => {
        try {
          const ruled = rules(channel);
          const { kind } = await broker.publish({ ...asRuled(content, ruled), channel, id }, ruled.retain);
          fired(kind);
          return true;
        } catch (thrown) {
          const error = asFanfareError(thrown);
          fired("failed");
          if (error.band === "dependency" || error.band === "overload") return false;
          log.warn({ err: error, scheduledId }, "a scheduled publication can never be published");
          return true;
        }
      }),
    );
    return settled.every(Boolean);
  }

  void round();
  return {
    expect(inMs) {
      if (inMs + overdueMs >= nextInMs || stopped) return;
      nextInMs = Math.max(0, inMs + overdueMs);
      if (running) return;
      callOff();
      wake();
    },
    stop() {
      stopped = true;
      callOff();
    },
  };
}

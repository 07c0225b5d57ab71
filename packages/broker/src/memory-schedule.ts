import {
  type Clock,
  FanfareError,
  limits,
  type Plan,
  type Schedule,
  type Scheduled,
  type ScheduleOutcome,
  systemClock,
  type Taken,
} from "@fanfare/domain";
import { idLifeMs } from "./lives.ts";
import { aboutOf, planFingerprint } from "./schedule-terms.ts";
import { SortedNames } from "./sorted-names.ts";

interface Known {
  readonly fingerprint: string;
  readonly scheduledId: string;
  readonly forgottenAtMs: number;
}

/** Additions between two searches for ids that nobody need know any more. */
const sweepEvery = 1_000;

/** {@link Schedule} within one process: it ends with it. */
export class MemorySchedule implements Schedule {
  readonly #clock: Pick<Clock, "now">;
  readonly #order = new SortedNames();
  readonly #plans = new Map<string, Plan>();
  /** Name → when it may be handed out again. */
  readonly #taken = new Map<string, number>();
  readonly #known = new Map<string, Known>();
  #count = 0;

  constructor(clock: Pick<Clock, "now"> = systemClock) {
    this.#clock = clock;
  }

  async add(plan: Plan): Promise<ScheduleOutcome> {
    const now = this.#clock.now();
    const { id } = plan.content;
    const fingerprint = planFingerprint(plan);
    const known = id === undefined ? undefined : this.#known.get(id);
    if (known !== undefined && known.forgottenAtMs > now) {
      return known.fingerprint === fingerprint ? { kind: "duplicate", scheduledId: known.scheduledId } : { kind: "conflict" };
    }
    if (this.#plans.size >= limits.scheduledMax) throw new FanfareError("SCHEDULED_EXCEEDED");
    const count = ++this.#count;
    const scheduledId = `${String(plan.at).padStart(13, "0")}-${String(count).padStart(9, "0")}-memory`;
    this.#plans.set(scheduledId, plan);
    this.#order.add(scheduledId);
    if (id !== undefined) this.#known.set(id, { fingerprint, scheduledId, forgottenAtMs: Math.max(plan.at, now) + idLifeMs });
    if (count % sweepEvery === 0) {
      for (const [old, { forgottenAtMs }] of this.#known) if (forgottenAtMs <= now) this.#known.delete(old);
    }
    return { kind: "added", scheduledId };
  }

  async page(after: string, limit: number): Promise<Scheduled[]> {
    const { items } = this.#order.page({ after: after === "" ? undefined : after, limit });
    return items.flatMap((name) => this.#scheduled(name) ?? []);
  }

  async find(scheduledId: string): Promise<Scheduled | undefined> {
    return this.#scheduled(scheduledId);
  }

  async remove(scheduledId: string): Promise<"removed" | "taken" | "unknown"> {
    if (this.#taken.has(scheduledId)) return "taken";
    if (!this.#plans.delete(scheduledId)) return "unknown";
    this.#order.delete(scheduledId);
    return "removed";
  }

  async take({ overdueMs, limit, leaseMs }: Parameters<Schedule["take"]>[0]): Promise<Taken> {
    const now = this.#clock.now();
    const lost = [...this.#taken].filter(([, again]) => again <= now).map(([name]) => name);
    const bound = String(now - overdueMs + 1).padStart(13, "0");
    const due = this.#order.page({ limit }).items.filter((name) => name < bound);
    const names = [...lost, ...due].slice(0, limit);
    for (const name of names) {
      this.#order.delete(name);
      this.#taken.set(name, now + leaseMs);
    }
    const [next] = this.#order.page({ limit: 1 }).items;
    return {
      plans: names.flatMap((scheduledId) => {
        const plan = this.#plans.get(scheduledId);
        return plan === undefined ? [] : [{ ...plan, scheduledId }];
      }),
      nextInMs: next === undefined ? undefined : Math.max(0, Number(next.slice(0, 13)) - now),
    };
  }

  async done(scheduledIds: readonly string[]): Promise<void> {
    for (const name of scheduledIds) {
      this.#taken.delete(name);
      this.#plans.delete(name);
    }
  }

  #scheduled(scheduledId: string): Scheduled | undefined {
    const plan = this.#plans.get(scheduledId);
    return plan && { scheduledId, ...aboutOf(plan) };
  }
}

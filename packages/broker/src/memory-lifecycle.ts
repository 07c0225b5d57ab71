import {
  type Clock,
  type LifecycleDraft,
  type LifecycleEvent,
  type LifecycleLog,
  type LifecyclePage,
  lifecycleStart,
  limits,
  systemClock,
} from "@fanfare/domain";

/** {@link LifecycleLog} within one process: it ends with it, as its connections do. */
export class MemoryLifecycleLog implements LifecycleLog {
  readonly #clock: Pick<Clock, "now">;
  #events: LifecycleEvent[] = [];
  readonly #last = new Map<string, string>();
  readonly #occupied = new Set<string>();
  #number = 0;

  constructor(clock: Pick<Clock, "now"> = systemClock) {
    this.#clock = clock;
  }

  async append(writer: string, batch: string, events: readonly LifecycleDraft[]): Promise<void> {
    if (this.#last.get(writer) === batch) return;
    this.#last.set(writer, batch);
    for (const event of events) {
      if (this.#isNew(event)) this.#events.push({ ...event, id: `${this.#clock.now()}-${++this.#number}` });
    }
    // In one go and not one by one, which would move the whole list each time.
    if (this.#events.length > 1.1 * limits.lifecycleEventsMax) this.#events = this.#events.slice(-limits.lifecycleEventsMax);
  }

  async read(after: string, limit: number): Promise<LifecyclePage> {
    if (after === lifecycleStart) return { events: this.#events.slice(0, limit), gap: false };
    const at = this.#events.findLastIndex(({ id }) => id === after);
    return { events: this.#events.slice(at + 1, at + 1 + limit), gap: at === -1 };
  }

  async newest(): Promise<string> {
    return this.#events.at(-1)?.id ?? lifecycleStart;
  }

  #isNew({ type, channel = "" }: LifecycleDraft): boolean {
    if (type === "channel_vacated") return this.#occupied.delete(channel);
    if (type !== "channel_occupied") return true;
    if (this.#occupied.has(channel)) return false;
    this.#occupied.add(channel);
    return true;
  }
}

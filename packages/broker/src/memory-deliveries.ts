import {
  type Clock,
  type DeadLetter,
  type Deliveries,
  limits,
  type PageRequest,
  type RegistryPage,
  systemClock,
} from "@fanfare/domain";

/** {@link Deliveries} within one process. */
export class MemoryDeliveries implements Deliveries {
  readonly #clock: Pick<Clock, "monotonic">;
  #lease: { readonly holder: string; readonly endsAtMs: number } | undefined;
  #after: string | undefined;
  readonly #dead = new Map<string, DeadLetter>();
  readonly #due = new Set<string>();

  constructor(clock: Pick<Clock, "monotonic"> = systemClock) {
    this.#clock = clock;
  }

  async lead(holder: string, leaseMs: number): Promise<{ readonly after: string | undefined } | undefined> {
    const now = this.#clock.monotonic();
    if (this.#lease !== undefined && this.#lease.holder !== holder && this.#lease.endsAtMs > now) return undefined;
    this.#lease = { holder, endsAtMs: now + leaseMs };
    return { after: this.#after };
  }

  async resign(holder: string): Promise<void> {
    if (this.#lease?.holder === holder) this.#lease = undefined;
  }

  async advance(holder: string, after: string, dead?: DeadLetter): Promise<boolean> {
    if (this.#lease?.holder !== holder || this.#lease.endsAtMs <= this.#clock.monotonic()) return false;
    this.#after = after;
    if (dead === undefined) return true;
    this.#dead.set(dead.id, dead);
    const oldest = this.#dead.size > limits.deadLettersMax ? this.#ids()[0] : undefined;
    if (oldest !== undefined) await this.settle(oldest);
    return true;
  }

  async dead({ after, limit }: PageRequest): Promise<RegistryPage<DeadLetter>> {
    const rest = this.#ids().filter((id) => after === undefined || compare(id, after) > 0);
    const items = rest.slice(0, limit).flatMap((id) => this.#dead.get(id) ?? []);
    return { items, next: rest.length > limit ? items.at(-1)?.id : undefined };
  }

  async revive(ids: readonly string[] | undefined): Promise<number> {
    const wanted = (ids ?? this.#ids()).filter((id) => this.#dead.has(id));
    for (const id of wanted) this.#due.add(id);
    return wanted.length;
  }

  async due(): Promise<DeadLetter | undefined> {
    const [first] = [...this.#due].sort(compare);
    return first === undefined ? undefined : this.#dead.get(first);
  }

  async settle(id: string): Promise<void> {
    this.#dead.delete(id);
    this.#due.delete(id);
  }

  async bury(dead: DeadLetter): Promise<void> {
    this.#due.delete(dead.id);
    if (this.#dead.has(dead.id)) this.#dead.set(dead.id, dead);
  }

  #ids(): string[] {
    return [...this.#dead.keys()].sort(compare);
  }
}

/** By both numbers of an id. */
function compare(one: string, other: string): number {
  const [a = 0, b = 0] = one.split("-").map(Number);
  const [c = 0, d = 0] = other.split("-").map(Number);
  return a - c || b - d;
}

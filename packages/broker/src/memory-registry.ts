import {
  type Channel,
  type Clock,
  type ConnectionQuery,
  type ConnectionRecord,
  type OwnedConnection,
  type PageRequest,
  type ProcessFigures,
  type Registry,
  type RegistryBatch,
  type RegistryPage,
  type RegistryTotals,
  systemClock,
} from "@fanfare/domain";
import { idOfPlace, matches, placeOf } from "./registry-terms.ts";
import { SortedNames } from "./sorted-names.ts";

interface Member {
  readonly stamp: string;
  /** By the monotonic clock, as all times here. */
  readonly leaseEndsMs: number;
  readonly freshUntilMs: number;
}

interface Kept {
  readonly record: ConnectionRecord;
  readonly turn: number;
}

/** {@link Registry} within one process. */
export class MemoryRegistry implements Registry {
  readonly #clock: Clock;
  readonly #members = new Map<string, Member>();
  readonly #kept = new Map<string, Kept>();
  readonly #ids = new SortedNames();
  readonly #unsent = new SortedNames();
  readonly #nodes = new Lists();
  readonly #users = new Lists();
  readonly #channels = new Lists();
  readonly #said = new Map<string, { readonly figures: ProcessFigures; readonly untilMs: number }>();

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  async write({ node, after, stamp, complete, changed, gone }: RegistryBatch, leaseMs: number): Promise<"written" | "stale"> {
    const before = this.#members.get(node);
    if (after !== undefined && before?.stamp !== after) return "stale";
    const now = this.#clock.monotonic();
    const freshUntilMs = complete ? now + (leaseMs * 2) / 3 : after === undefined ? 0 : (before?.freshUntilMs ?? 0);
    this.#members.set(node, { stamp, leaseEndsMs: now + leaseMs, freshUntilMs });
    for (const id of gone) if (this.#kept.get(id)?.record.node === node) this.#remove(id);
    for (const owned of changed) this.#put(node, owned);
    return "written";
  }

  async leave(node: string, stamp: string): Promise<void> {
    if (this.#members.get(node)?.stamp === stamp) this.#forget(node);
  }

  async sweep(_leaseMs: number, onNode?: (node: string) => void): Promise<ConnectionRecord[]> {
    const now = this.#clock.monotonic();
    const ended = [...this.#members].filter(([, { leaseEndsMs }]) => leaseEndsMs <= now);
    return ended.flatMap(([node]) => {
      onNode?.(node);
      return this.#forget(node);
    });
  }

  async missing(alive: readonly string[]): Promise<string[]> {
    const now = this.#clock.monotonic();
    const known = new Set([...this.#members.keys(), ...alive]);
    return [...known].filter((node) => (this.#members.get(node)?.freshUntilMs ?? Number.NEGATIVE_INFINITY) <= now).sort();
  }

  async idsOf(node: string, page: PageRequest): Promise<RegistryPage<string>> {
    return this.#nodes.page(node, page);
  }

  async connection(id: string): Promise<ConnectionRecord | undefined> {
    return this.#kept.get(id)?.record;
  }

  async connections(query: ConnectionQuery, { after, limit }: PageRequest): Promise<RegistryPage<ConnectionRecord>> {
    const items: ConnectionRecord[] = [];
    let next = after;
    do {
      const names = this.#page(query, { after: next, limit: limit - items.length });
      for (const name of names.items) {
        const record = this.#kept.get(query.order === "unsent" ? idOfPlace(name) : name)?.record;
        if (record !== undefined && matches(record, query)) items.push(record);
      }
      next = names.next;
    } while (next !== undefined && items.length < limit);
    return { items, next };
  }

  async connectionsOf(user: string): Promise<ConnectionRecord[]> {
    return [...(await this.connections({ user }, { limit: this.#kept.size + 1 })).items];
  }

  async subscribers(channel: Channel): Promise<number> {
    return this.#channels.sizeOf(channel);
  }

  async channels({ prefix }: { readonly prefix?: string | undefined }, page: PageRequest) {
    const { items, next } = this.#channels.names.page(page, prefix);
    const counted = items.map((name) => ({ channel: name as Channel, subscribers: this.#channels.sizeOf(name) }));
    return { items: counted, next };
  }

  async users(page: PageRequest) {
    const { items, next } = this.#users.names.page(page);
    return { items: items.map((user) => ({ user, connections: this.#users.sizeOf(user) })), next };
  }

  async totals(): Promise<RegistryTotals> {
    return { connections: this.#ids.size, channels: this.#channels.names.size, users: this.#users.names.size };
  }

  async report(process: string, figures: ProcessFigures, lifeMs: number): Promise<void> {
    this.#said.set(process, { figures, untilMs: this.#clock.monotonic() + lifeMs });
  }

  async figures(): Promise<ReadonlyMap<string, ProcessFigures>> {
    const now = this.#clock.monotonic();
    for (const [process, { untilMs }] of this.#said) if (untilMs <= now) this.#said.delete(process);
    return new Map([...this.#said].map(([process, { figures }]) => [process, figures]));
  }

  #page({ user, channel, node, order }: ConnectionQuery, page: PageRequest): RegistryPage<string> {
    if (order === "unsent") return this.#unsent.page(page);
    if (user !== undefined) return this.#users.page(user, page);
    if (channel !== undefined) return this.#channels.page(channel, page);
    return node === undefined ? this.#ids.page(page) : this.#nodes.page(node, page);
  }

  #put(node: string, { connection, turn }: OwnedConnection): void {
    const { id } = connection;
    if ((this.#kept.get(id)?.turn ?? 0) > turn) return;
    this.#remove(id);
    const record: ConnectionRecord = { ...connection, node };
    this.#kept.set(id, { record, turn });
    this.#ids.add(id);
    this.#nodes.add(node, id);
    if (record.user !== null) this.#users.add(record.user, id);
    for (const channel of record.channels) this.#channels.add(channel, id);
    if (record.unsentBytes > 0) this.#unsent.add(placeOf(record.unsentBytes, id));
  }

  #remove(id: string): ConnectionRecord | undefined {
    const record = this.#kept.get(id)?.record;
    if (record === undefined) return undefined;
    this.#kept.delete(id);
    this.#ids.delete(id);
    this.#nodes.delete(record.node, id);
    if (record.user !== null) this.#users.delete(record.user, id);
    for (const channel of record.channels) this.#channels.delete(channel, id);
    this.#unsent.delete(placeOf(record.unsentBytes, id));
    return record;
  }

  #forget(node: string): ConnectionRecord[] {
    this.#members.delete(node);
    const { items } = this.#nodes.page(node, { limit: this.#kept.size + 1 });
    return items.flatMap((id) => this.#remove(id) ?? []);
  }
}

/** Lists of ids by name, and the names of those that are not empty. */
class Lists {
  readonly names = new SortedNames();
  readonly #lists = new Map<string, SortedNames>();

  add(name: string, id: string): void {
    const list = this.#lists.get(name) ?? new SortedNames();
    list.add(id);
    if (list.size > 1) return;
    this.#lists.set(name, list);
    this.names.add(name);
  }

  delete(name: string, id: string): void {
    const list = this.#lists.get(name);
    list?.delete(id);
    if (list?.size !== 0) return;
    this.#lists.delete(name);
    this.names.delete(name);
  }

  page(name: string, page: PageRequest): RegistryPage<string> {
    return this.#lists.get(name)?.page(page) ?? { items: [], next: undefined };
  }

  sizeOf(name: string): number {
    return this.#lists.get(name)?.size ?? 0;
  }
}

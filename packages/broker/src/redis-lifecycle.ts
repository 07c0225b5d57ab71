import {
  type LifecycleDraft,
  type LifecycleEvent,
  type LifecycleLog,
  type LifecyclePage,
  lifecycleStart,
  limits,
} from "@fanfare/domain";
import type { Commands } from "./commands.ts";
import { lifecycleKey, lifecycleLastKey, lifecycleOccupiedKey } from "./keys.ts";
import { scripts } from "./scripts.ts";
import { isNumber, isText, storedJson } from "./stored-json.ts";

/** Longer than anybody tries to write the same batch. */
const batchLifeMs = 3_600_000;
const eventShape = { type: isText, at: isNumber, node: isText };

type Entry = [id: string, fields: string[]];

/** {@link LifecycleLog} on Redis: one stream for the cluster. */
export class RedisLifecycleLog implements LifecycleLog {
  readonly #cluster: string;
  readonly #commands: Commands;
  readonly #log: string;

  constructor(cluster: string, commands: Commands) {
    this.#cluster = cluster;
    this.#commands = commands;
    this.#log = lifecycleKey(cluster);
  }

  async append(writer: string, batch: string, events: readonly LifecycleDraft[]): Promise<void> {
    const last = lifecycleLastKey(this.#cluster, writer);
    const keys = { log: this.#log, last, occupied: lifecycleOccupiedKey(this.#cluster) };
    const args = { batch, keep: limits.lifecycleEventsMax, life: batchLifeMs };
    const moreArgs = events.flatMap((event) => [verbOf(event), event.channel ?? "", JSON.stringify(event)]);
    await this.#commands.run((client) => scripts["lifecycle-append"].run(client, { keys, args, moreArgs }));
  }

  async read(after: string, limit: number): Promise<LifecyclePage> {
    if (after === lifecycleStart) return { events: this.#events(await this.#range("-", limit)), gap: false };
    // From the event itself on: that it is still there says that nothing behind it is gone.
    const [first, ...rest] = await this.#range(after, limit + 1);
    if (first?.[0] === after) return { events: this.#events(rest), gap: false };
    return { events: this.#events(await this.#range("-", limit)), gap: true };
  }

  async newest(): Promise<string> {
    const entries = (await this.#commands.run((client) => client.xrevrange(this.#log, "+", "-", "COUNT", 1))) as Entry[];
    return entries[0]?.[0] ?? lifecycleStart;
  }

  async #range(from: string, count: number): Promise<Entry[]> {
    return (await this.#commands.run((client) => client.xrange(this.#log, from, "+", "COUNT", count))) as Entry[];
  }

  #events(entries: readonly Entry[]): LifecycleEvent[] {
    return entries.flatMap(([id, [, text = ""]]) => {
      const draft = storedJson<LifecycleDraft>(text, eventShape, this.#commands);
      return draft === undefined ? [] : { ...draft, id };
    });
  }
}

function verbOf({ type }: LifecycleDraft): string {
  return type === "channel_occupied" ? "occupied" : type === "channel_vacated" ? "vacated" : "";
}

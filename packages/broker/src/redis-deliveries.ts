import { type DeadLetter, type Deliveries, limits, type PageRequest, type RegistryPage } from "@fanfare/domain";
import type { Commands } from "./commands.ts";
import { webhookKey } from "./keys.ts";
import { scripts } from "./scripts.ts";
import { isNumber, isText, storedJson } from "./stored-json.ts";

const letterShape = { id: isText, at: isNumber, tries: isNumber, error: isText, events: Array.isArray };

/** {@link Deliveries} on Redis: one account for the cluster. */
export class RedisDeliveries implements Deliveries {
  readonly #commands: Commands;
  readonly #lease: string;
  readonly #after: string;
  readonly #dead: string;
  readonly #order: string;
  readonly #due: string;

  constructor(cluster: string, commands: Commands) {
    this.#commands = commands;
    this.#lease = webhookKey(cluster, "lease");
    this.#after = webhookKey(cluster, "after");
    this.#dead = webhookKey(cluster, "dead");
    this.#order = webhookKey(cluster, "order");
    this.#due = webhookKey(cluster, "due");
  }

  async lead(holder: string, leaseMs: number): Promise<{ readonly after: string | undefined } | undefined> {
    const keys = { lease: this.#lease, after: this.#after };
    const args = { holder, life: leaseMs };
    const after = (await this.#commands.run((client) => scripts["webhook-lead"].run(client, { keys, args }))) as string | null;
    return after === null ? undefined : { after: after === "" ? undefined : after };
  }

  async resign(holder: string): Promise<void> {
    const keys = { lease: this.#lease };
    await this.#commands.run((client) => scripts["webhook-resign"].run(client, { keys, args: { holder } }));
  }

  async advance(holder: string, after: string, dead?: DeadLetter): Promise<boolean> {
    const keys = { lease: this.#lease, after: this.#after, dead: this.#dead, order: this.#order, due: this.#due };
    const letter = dead?.id ?? "";
    const [place, text] = dead === undefined ? ["", ""] : [placeOf(dead.id), JSON.stringify(dead)];
    const args = { holder, id: after, letter, place, text, max: limits.deadLettersMax };
    return (await this.#commands.run((client) => scripts["webhook-advance"].run(client, { keys, args }))) === 1;
  }

  async dead({ after, limit }: PageRequest): Promise<RegistryPage<DeadLetter>> {
    const from = after === undefined ? "-" : `(${placeOf(after)}`;
    const places = await this.#commands.run((client) => client.zrangebylex(this.#order, from, "+", "LIMIT", 0, limit));
    const items = (await Promise.all(places.map((place) => this.#letter(idOf(place))))).flatMap((letter) => letter ?? []);
    const last = places.at(-1);
    return { items, next: places.length < limit || last === undefined ? undefined : idOf(last) };
  }

  async revive(ids: readonly string[] | undefined): Promise<number> {
    const wanted = ids?.map(placeOf) ?? (await this.#commands.run((client) => client.zrange(this.#order, 0, "-1")));
    const known = await Promise.all(
      wanted.map((place) => this.#commands.run((client) => client.hexists(this.#dead, idOf(place)))),
    );
    const places = wanted.filter((_, index) => known[index] === 1);
    const scored = places.flatMap((place) => [0, place]);
    if (places.length > 0) await this.#commands.run((client) => client.zadd(this.#due, ...scored));
    return places.length;
  }

  async due(): Promise<DeadLetter | undefined> {
    for (;;) {
      const [place] = await this.#commands.run((client) => client.zrange(this.#due, 0, "0"));
      if (place === undefined) return undefined;
      const letter = await this.#letter(idOf(place));
      if (letter !== undefined) return letter;
      // Delivered or forgotten since somebody wanted it again.
      await this.#commands.run((client) => client.zrem(this.#due, place));
    }
  }

  async settle(id: string): Promise<void> {
    // In this order: a place without its letter is passed over.
    await this.#commands.run((client) => client.hdel(this.#dead, id));
    await this.#commands.run((client) => client.zrem(this.#order, placeOf(id)));
    await this.#commands.run((client) => client.zrem(this.#due, placeOf(id)));
  }

  async bury(dead: DeadLetter): Promise<void> {
    const keys = { dead: this.#dead, due: this.#due };
    const args = { id: dead.id, place: placeOf(dead.id), text: JSON.stringify(dead) };
    await this.#commands.run((client) => scripts["webhook-bury"].run(client, { keys, args }));
  }

  async #letter(id: string): Promise<DeadLetter | undefined> {
    const text = await this.#commands.run((client) => client.hget(this.#dead, id));
    return text === null ? undefined : storedJson<DeadLetter>(text, letterShape, this.#commands);
  }
}

/** Sorts as the numbers of an id do. */
function placeOf(id: string): string {
  return `${id
    .split("-")
    .map((part) => part.padStart(20, "0"))
    .join("-")} ${id}`;
}

function idOf(place: string): string {
  return place.slice(place.indexOf(" ") + 1);
}

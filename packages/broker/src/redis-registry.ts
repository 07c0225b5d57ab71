import type {
  Channel,
  ConnectionQuery,
  ConnectionRecord,
  OwnedConnection,
  PageRequest,
  ProcessFigures,
  Registry,
  RegistryBatch,
  RegistryPage,
  RegistryTotals,
} from "@fanfare/domain";
import type { Redis } from "ioredis";
import type { Commands } from "./commands.ts";
import { registryPrefix } from "./keys.ts";
import { idOfPlace, matches, newStamp } from "./registry-terms.ts";
import { type Argument, scripts } from "./scripts.ts";
import { isHealthOrAbsent } from "./stored-health.ts";
import { isNumber, isText, storedJson } from "./stored-json.ts";

/** Connections removed by one script, so that Redis is never busy with it for more than a millisecond or two. */
const removedMax = 100;
/** Read at once where a whole list is wanted. */
const readMax = 1_000;
/** A filter that hardly anything passes reads on for so long before it answers a short page. */
const scannedMax = 10_000;

/** The lease of a node that leaves: it only has to last from one batch to the next. */
const leavingMs = 5_000;

const figuresShape = {
  websocket: isNumber,
  polling: isNumber,
  publicationsPerSecond: isNumber,
  deliveriesPerSecond: isNumber,
  health: isHealthOrAbsent,
};
const aboutShape = { transport: isText, address: isText, since: isNumber };

/** What is only ever read back; the rest has fields of its own in Redis. */
type About = Pick<ConnectionRecord, "transport" | "address" | "client" | "since">;

/** {@link Registry} on Redis. Everything is in one slot, like the directory and the sessions. */
export class RedisRegistry implements Registry {
  readonly #prefix: string;
  readonly #commands: Commands;

  constructor(cluster: string, commands: Commands) {
    this.#prefix = registryPrefix(cluster);
    this.#commands = commands;
  }

  async write(batch: RegistryBatch, leaseMs: number): Promise<"written" | "stale"> {
    return (await this.#write(batch, leaseMs)) === undefined ? "stale" : "written";
  }

  async leave(node: string, stamp: string): Promise<void> {
    const last = await this.#clear(node, stamp, leavingMs, () => undefined);
    if (last !== undefined) await this.#end(node, last);
  }

  async sweep(leaseMs: number, onNode?: (node: string) => void): Promise<ConnectionRecord[]> {
    const lost: ConnectionRecord[] = [];
    for (const node of await this.#ended()) {
      const stamp = newStamp();
      const args = { node, stamp, lease: leaseMs };
      const claimed = await this.#run((client) => scripts["registry-claim"].run(client, { keys: this.#keys, args }));
      if (claimed !== 1) continue;
      const last = await this.#clear(node, stamp, leaseMs, (record) => lost.push(record));
      if (last === undefined) continue;
      await this.#end(node, last);
      onNode?.(node);
    }
    return lost;
  }

  async missing(alive: readonly string[]): Promise<string[]> {
    const [[seconds, micros], names, fresh] = await Promise.all([
      this.#run((client) => client.time()),
      this.#run((client) => client.zrange(this.#key("leases"), 0, "-1")),
      this.#run((client) => client.zrange(this.#key("fresh"), 0, "-1", "WITHSCORES")),
    ]);
    const nowMs = Number(seconds) * 1_000 + Number(micros) / 1_000;
    const untilMs = new Map<string, number>();
    for (let at = 0; at < fresh.length; at += 2) untilMs.set(String(fresh[at]), Number(fresh[at + 1]));
    const known = new Set([...names, ...alive]);
    return [...known].filter((name) => (untilMs.get(name) ?? 0) <= nowMs).sort();
  }

  idsOf(node: string, page: PageRequest): Promise<RegistryPage<string>> {
    return this.#names(`node:${node}`, page);
  }

  connection(id: string): Promise<ConnectionRecord | undefined> {
    return this.#record(id);
  }

  async connections(query: ConnectionQuery, { after, limit }: PageRequest): Promise<RegistryPage<ConnectionRecord>> {
    const index = indexFor(query);
    const items: ConnectionRecord[] = [];
    let next = after;
    for (let scanned = 0; scanned < scannedMax; scanned += limit) {
      // As many as are still wanted and no more, or what does not fit would have to be left out.
      const names = await this.#names(index, { after: next, limit: limit - items.length });
      const ids = index === "unsent" ? names.items.map(idOfPlace) : names.items;
      for (const record of await Promise.all(ids.map((id) => this.#record(id)))) {
        // It may have changed since its name was read.
        if (record !== undefined && matches(record, query)) items.push(record);
      }
      next = names.next;
      if (next === undefined || items.length >= limit) break;
    }
    return { items, next };
  }

  async connectionsOf(user: string): Promise<ConnectionRecord[]> {
    const all: ConnectionRecord[] = [];
    let after: string | undefined;
    do {
      const { items, next } = await this.connections({ user }, { after, limit: readMax });
      all.push(...items);
      after = next;
    } while (after !== undefined);
    return all;
  }

  subscribers(channel: Channel): Promise<number> {
    return this.#run((client) => client.zcard(this.#key(`channel:${channel}`)));
  }

  async channels({ prefix = "" }: { readonly prefix?: string | undefined }, page: PageRequest) {
    const { items, next } = await this.#names("channels", page, prefix);
    const counted = await Promise.all(
      items.map(async (name) => {
        const channel = name as Channel;
        return { channel, subscribers: await this.subscribers(channel) };
      }),
    );
    return { items: counted.filter(({ subscribers }) => subscribers > 0), next };
  }

  async users(page: PageRequest) {
    const { items, next } = await this.#names("users", page);
    const counted = await Promise.all(
      items.map(async (user) => ({
        user,
        connections: await this.#run((client) => client.zcard(this.#key(`user:${user}`))),
      })),
    );
    return { items: counted.filter(({ connections }) => connections > 0), next };
  }

  async totals(): Promise<RegistryTotals> {
    const [connections, channels, users] = await Promise.all(
      ["all", "channels", "users"].map((index) => this.#run((client) => client.zcard(this.#key(index)))),
    );
    return { connections: connections ?? 0, channels: channels ?? 0, users: users ?? 0 };
  }

  async report(process: string, figures: ProcessFigures, lifeMs: number): Promise<void> {
    const said = this.#key(`said:${process}`);
    await this.#run((client) => client.set(said, JSON.stringify(figures), "PX", lifeMs));
    // Behind the other: a name of which nothing is said yet would be taken for an old one.
    await this.#run((client) => client.hset(this.#key("saying"), process, ""));
  }

  async figures(): Promise<ReadonlyMap<string, ProcessFigures>> {
    const saying = this.#key("saying");
    const names = await this.#run((client) => client.hkeys(saying));
    if (names.length === 0) return new Map();
    const said = await this.#run((client) => client.mget(names.map((name) => this.#key(`said:${name}`))));
    const figures = new Map<string, ProcessFigures>();
    const silent: string[] = [];
    for (const [at, name] of names.entries()) {
      const text = said[at];
      const read = text == null ? undefined : storedJson<ProcessFigures>(text, figuresShape, this.#commands);
      if (text == null) silent.push(name);
      else if (read !== undefined) figures.set(name, read);
    }
    if (silent.length > 0) await this.#run((client) => client.hdel(saying, ...silent));
    return figures;
  }

  /** The ids that were removed, or undefined when another batch came last. */
  async #write(
    { node, after = "", stamp, complete, changed, gone }: RegistryBatch,
    leaseMs: number,
  ): Promise<readonly string[] | undefined> {
    const args = { node, after, stamp, lease: leaseMs, complete: complete ? 1 : 0, gone: gone.length };
    const moreArgs = [...gone, ...changed.flatMap(argumentsOf)];
    const answer = await this.#run((client) => scripts["registry-write"].run(client, { keys: this.#keys, args, moreArgs }));
    return answer === null ? undefined : (answer as string[]);
  }

  /** Removes all connections of a node, in bounded batches. The last stamp, or undefined when somebody else came between. */
  async #clear(
    node: string,
    stamp: string,
    leaseMs: number,
    removed: (record: ConnectionRecord) => void,
  ): Promise<string | undefined> {
    let after = stamp;
    for (;;) {
      const { items } = await this.idsOf(node, { limit: removedMax });
      if (items.length === 0) return after;
      const records = await Promise.all(items.map((id) => this.#record(id)));
      const batch = { node, after, stamp: newStamp(), complete: false, changed: [], gone: items };
      const gone = await this.#write(batch, leaseMs);
      if (gone === undefined) return undefined;
      const really = new Set(gone);
      for (const record of records) if (record !== undefined && really.has(record.id)) removed(record);
      after = batch.stamp;
    }
  }

  async #end(node: string, stamp: string): Promise<void> {
    await this.#run((client) => scripts["registry-end"].run(client, { keys: this.#keys, args: { node, stamp } }));
  }

  async #ended(): Promise<string[]> {
    const [seconds, micros] = await this.#run((client) => client.time());
    const nowMs = Number(seconds) * 1_000 + Number(micros) / 1_000;
    return this.#run((client) => client.zrangebyscore(this.#key("leases"), "-inf", nowMs));
  }

  async #names(index: string, { after, limit }: PageRequest, prefix = ""): Promise<RegistryPage<string>> {
    const min = after !== undefined && after >= prefix ? `(${after}` : prefix === "" ? "-" : `[${prefix}`;
    // Names with a prefix are channels and have no byte as high as this one's.
    const max = prefix === "" ? "+" : `(${prefix}\u00ff`;
    // One more than is wanted says whether there is more.
    const found = await this.#run((client) => client.zrangebylex(this.#key(index), min, max, "LIMIT", 0, limit + 1));
    const items = found.slice(0, limit);
    return { items, next: found.length > limit ? items.at(-1) : undefined };
  }

  async #record(id: string): Promise<ConnectionRecord | undefined> {
    const [node, user, channels, about, unsent] = await this.#run((client) =>
      client.hmget(this.#key(`c:${id}`), "node", "user", "channels", "about", "unsent"),
    );
    if (node == null || about == null) return undefined;
    const said = storedJson<About>(about, aboutShape, this.#commands);
    if (said === undefined) return undefined;
    return {
      id,
      user: user ? user.slice(1) : null,
      node,
      ...said,
      channels: (channels ? channels.split(" ") : []) as Channel[],
      unsentBytes: Number(unsent),
    };
  }

  get #keys(): { readonly registry: string } {
    return { registry: this.#prefix };
  }

  #key(name: string): string {
    return this.#prefix + name;
  }

  #run<Answer>(send: (client: Redis) => Promise<Answer>): Promise<Answer> {
    return this.#commands.run(send);
  }
}

/** The shortest list that has everything that the query can match. */
function indexFor({ user, channel, node, order }: ConnectionQuery): string {
  if (order === "unsent") return "unsent";
  if (user !== undefined) return `user:${user}`;
  if (channel !== undefined) return `channel:${channel}`;
  return node === undefined ? "all" : `node:${node}`;
}

function argumentsOf({ connection, turn }: OwnedConnection): Argument[] {
  const { id, user, channels, transport, address, client, since, unsentBytes } = connection;
  const about: About = { transport, address, ...(client === undefined ? {} : { client }), since };
  return [id, turn, user === null ? "" : `=${user}`, channels.join(" "), JSON.stringify(about), unsentBytes];
}

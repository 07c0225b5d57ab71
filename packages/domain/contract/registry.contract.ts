import {
  type Channel,
  type ConnectionQuery,
  type ConnectionRecord,
  channelName,
  type OwnedConnection,
  type PageRequest,
  type Registry,
  type RegistryPage,
} from "@fanfare/domain";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { until } from "./wait.ts";

/** One backend as two nodes see it. */
export interface RegistryWorld {
  readonly registries: readonly [Registry, Registry];
  close(): Promise<void>;
}

const longMs = 60_000;
const news = channelName("news");
const sport = channelName("sport");

/** The law of {@link Registry}. */
export function registryContract(open: () => Promise<RegistryWorld>): void {
  describe("every registry", () => {
    let world: RegistryWorld;
    let one: Registry;
    let other: Registry;
    beforeEach(async () => {
      world = await open();
      [one, other] = world.registries;
    });
    afterEach(() => world.close());

    test("is empty at first", async () => {
      expect(await one.connections({}, { limit: 10 })).toEqual({ items: [], next: undefined });
      expect(await one.connection("x")).toBeUndefined();
      expect(await one.totals()).toEqual({ connections: 0, channels: 0, users: 0 });
      expect([await one.missing([]), await one.sweep(longMs), [...(await one.figures())]]).toEqual([[], [], []]);
    });

    test("gives others what a node said of its connections, whole", async () => {
      const full = owned("s1", { user: "ada", channels: [news, sport], unsentBytes: 7, client: "test/1" });
      await new Writer(one, "a").say([full, owned("s2")]);
      const s1 = { ...full.connection, node: "a" };
      expect(await other.connection("s1")).toEqual(s1);
      expect(await other.connections({}, { limit: 10 })).toEqual({
        items: [s1, { ...owned("s2").connection, node: "a" }],
        next: undefined,
      });
      expect(await other.totals()).toEqual({ connections: 2, channels: 2, users: 1 });
    });

    test("lists by user, channel and node, and by several of them", async () => {
      await new Writer(one, "a").say([
        owned("1", { user: "ada", channels: [news] }),
        owned("2", { user: "ada", channels: [news, sport] }),
        owned("3", { channels: [sport] }),
      ]);
      await new Writer(other, "b").say([owned("4", { user: "ada", channels: [sport] }), owned("5", { user: "bob" })]);
      const ids = async (query: ConnectionQuery) => (await other.connections(query, { limit: 10 })).items.map(({ id }) => id);
      expect(await ids({ user: "ada" })).toEqual(["1", "2", "4"]);
      expect(await ids({ channel: sport })).toEqual(["2", "3", "4"]);
      expect(await ids({ node: "b" })).toEqual(["4", "5"]);
      expect(await ids({ user: "ada", channel: sport, node: "a" })).toEqual(["2"]);
      expect(await ids({ user: "nobody" })).toEqual([]);
      expect((await other.connectionsOf("ada")).map(({ id }) => id)).toEqual(["1", "2", "4"]);
    });

    test("lists channels with their subscribers and users with their connections, by name", async () => {
      const writer = new Writer(one, "a");
      await writer.say([
        owned("1", { user: "ada", channels: [news, channelName("a:1"), channelName("a:2")] }),
        owned("2", { user: "ada", channels: [news] }),
        owned("3", { user: "Zoë", channels: [channelName("a:2"), channelName("b")] }),
      ]);
      const channels = await other.channels({}, { limit: 10 });
      expect(channels.items.map(({ channel, subscribers }) => [channel, subscribers])).toEqual([
        ["a:1", 1],
        ["a:2", 2],
        ["b", 1],
        ["news", 2],
      ]);
      expect((await other.channels({ prefix: "a:" }, { limit: 10 })).items).toHaveLength(2);
      expect((await other.channels({ prefix: "c" }, { limit: 10 })).items).toEqual([]);
      expect((await other.users({ limit: 10 })).items).toEqual([
        { user: "Zoë", connections: 1 },
        { user: "ada", connections: 2 },
      ]);
      expect([await other.subscribers(news), await other.subscribers(sport)]).toEqual([2, 0]);
      await writer.say([owned("2", { user: "bob" })], ["1"]);
      expect((await other.channels({}, { limit: 10 })).items.map(({ channel }) => channel)).toEqual(["a:2", "b"]);
      expect((await other.users({ limit: 10 })).items.map(({ user }) => user)).toEqual(["Zoë", "bob"]);
      await writer.say([], ["2", "3", "never there"]);
      expect(await other.totals()).toEqual({ connections: 0, channels: 0, users: 0 });
    });

    test("pages through a prefix, also from a place before it or behind it", async () => {
      const channels = ["a", "b:1", "b:2", "b:3", "c"].map((name) => channelName(name));
      await new Writer(one, "a").say([owned("1", { channels })]);
      const page = async (after: string | undefined) =>
        (await other.channels({ prefix: "b:" }, { after, limit: 2 })).items.map(({ channel }) => channel);
      expect(await page(undefined)).toEqual(["b:1", "b:2"]);
      expect(await page("b:2")).toEqual(["b:3"]);
      expect(await page("a")).toEqual(["b:1", "b:2"]);
      expect(await page("c")).toEqual([]);
    });

    test("lists those with unsent bytes, the most first, as they were last said", async () => {
      const writer = new Writer(one, "a");
      const unsent = (id: string, unsentBytes: number) => owned(id, { unsentBytes, channels: [news] });
      await writer.say([unsent("1", 5), unsent("2", 1_000_000), unsent("3", 0), unsent("4", 70), unsent("5", 70)]);
      const slowest = (page: PageRequest) => other.connections({ order: "unsent" }, page);
      expect((await everything(slowest, 2)).map(({ id }) => id)).toEqual(["2", "4", "5", "1"]);
      await writer.say([unsent("2", 0), unsent("3", 3), unsent("1", 80)]);
      expect((await everything(slowest, 10)).map(({ id, unsentBytes }) => [id, unsentBytes])).toEqual([
        ["1", 80],
        ["4", 70],
        ["5", 70],
        ["3", 3],
      ]);
      await writer.say([], ["1", "4"]);
      expect((await everything(slowest, 10)).map(({ id }) => id)).toEqual(["5", "3"]);
      expect((await other.connections({ order: "unsent", channel: sport }, { limit: 9 })).items).toEqual([]);
    });

    test("gives every item that stays exactly once while others come and go between the pages", async () => {
      const writer = new Writer(one, "a");
      const id = (number: number) => `c${String(number).padStart(4, "0")}`;
      const channels = [news];
      for (let at = 0; at < 400; at += 100) {
        await writer.say(Array.from({ length: 100 }, (_, number) => owned(id(at + number), { channels })));
      }
      const seen: string[] = [];
      let round = 0;
      await everything(async (page) => {
        const answer = await other.connections({ channel: news }, page);
        seen.push(...answer.items.map((item) => item.id));
        // Every third goes away somewhere and comes elsewhere; the others change in a way that keeps them in the list.
        const some = Array.from({ length: 40 }, (_, number) => (round * 40 + number * 7) % 400);
        const gone = some.filter((number) => number % 3 === 0);
        const stay = some.filter((number) => number % 3 !== 0);
        await writer.say(
          [
            ...gone.map((number) => owned(`n${id(number)}`, { channels })),
            ...stay.map((number) => owned(id(number), { channels: [news, sport] })),
          ],
          gone.map(id),
        );
        round++;
        return answer;
      }, 33);
      expect(new Set(seen).size).toBe(seen.length);
      const stayed = Array.from({ length: 400 }, (_, number) => number).filter((number) => number % 3 !== 0);
      expect(stayed.filter((number) => !seen.includes(id(number)))).toEqual([]);
      expect([...seen]).toEqual(seen.toSorted());
    });

    test("gives a connection to the node with the later turn, whatever the former one still says of it", async () => {
      const [a, b] = [new Writer(one, "a"), new Writer(other, "b")];
      const user = "ada";
      await a.say([owned("s", { user, channels: [news] }, 1)]);
      await b.say([owned("s", { user, channels: [news], address: "at b" }, 2)]);
      await a.say([owned("s", { user, channels: [sport] }, 1)]);
      await a.say([], ["s"]);
      const { items } = await one.connections({ user }, { limit: 10 });
      expect(items).toMatchObject([{ id: "s", node: "b", address: "at b", channels: [news] }]);
      expect((await one.idsOf("a", { limit: 10 })).items).toEqual([]);
      expect((await one.idsOf("b", { limit: 10 })).items).toEqual(["s"]);
      expect(await one.subscribers(sport)).toBe(0);
      await a.say([owned("s", { user }, 3)]);
      await b.say([], ["s"]);
      expect(await other.connection("s")).toMatchObject({ node: "a", channels: [] });
    });

    test("refuses a batch that is not behind the node's last one, whole", async () => {
      const writer = new Writer(one, "a");
      await writer.say([owned("1")]);
      const batch = { node: "a", complete: true, changed: [owned("2")], gone: ["1"] };
      expect(await one.write({ ...batch, after: "another", stamp: "x" }, longMs)).toBe("stale");
      expect(await one.write({ ...batch, node: "b", after: "never said", stamp: "x" }, longMs)).toBe("stale");
      expect((await other.connections({}, { limit: 10 })).items.map(({ id }) => id)).toEqual(["1"]);
      expect(await one.write({ ...batch, after: writer.stamp, stamp: "y" }, longMs)).toBe("written");
      expect(await one.write({ ...batch, after: writer.stamp, stamp: "z" }, longMs)).toBe("stale");
      expect((await other.connections({}, { limit: 10 })).items.map(({ id }) => id)).toEqual(["2"]);
    });

    test("keeps what is there of a node that begins anew, and says that it is missing until it is complete", async () => {
      const writer = new Writer(one, "a");
      await writer.say([owned("1"), owned("2")]);
      expect(await other.missing(["a", "silent"])).toEqual(["silent"]);
      const again = { node: "a", gone: [], changed: [] };
      expect(await one.write({ ...again, after: undefined, stamp: "new", complete: false }, longMs)).toBe("written");
      expect(await other.missing([])).toEqual(["a"]);
      expect((await other.idsOf("a", { limit: 10 })).items).toEqual(["1", "2"]);
      await one.write({ ...again, after: "new", stamp: "newer", complete: false, gone: ["1"] }, longMs);
      expect(await other.missing([])).toEqual(["a"]);
      await one.write({ ...again, after: "newer", stamp: "newest", complete: true }, longMs);
      expect(await other.missing([])).toEqual([]);
      expect((await other.idsOf("a", { limit: 10 })).items).toEqual(["2"]);
    });

    test("forgets a node that leaves, with its connections, but not one that has begun anew", async () => {
      const writer = new Writer(one, "a");
      await writer.say(Array.from({ length: 450 }, (_, number) => owned(`s${number}`, { channels: [news] })));
      await new Writer(other, "b").say([owned("b1", { channels: [news] })]);
      const former = writer.stamp;
      await writer.say([]);
      await one.leave("a", former);
      expect(await other.subscribers(news)).toBe(451);
      await one.leave("a", writer.stamp);
      await one.leave("a", writer.stamp);
      expect((await other.connections({}, { limit: 10 })).items.map(({ id }) => id)).toEqual(["b1"]);
      expect([await other.missing([]), await other.sweep(longMs)]).toEqual([[], []]);
      expect(await one.write({ ...empty("a"), after: writer.stamp, stamp: "x" }, longMs)).toBe("stale");
    });

    test("calls a node missing when its lease is nearly over, and lets one of those who sweep clean up behind it", async () => {
      const doomed = new Writer(one, "a", 400);
      const survivor = new Writer(other, "b");
      await doomed.say(Array.from({ length: 450 }, (_, number) => owned(`s${number}`, { channels: [news] })));
      await survivor.say([owned("moved", { channels: [news] }, 1)]);
      await doomed.say([owned("moved", { channels: [news] }, 2)]);
      await survivor.say([owned("moved", { channels: [news] }, 3), owned("b1")]);
      expect([await other.missing([]), await other.sweep(longMs)]).toEqual([[], []]);
      await until(async () => ((await other.missing([])).includes("a") ? undefined : "not missing yet"));
      const lost: ConnectionRecord[] = [];
      await until(async () => {
        const both = await Promise.all([one.sweep(longMs), other.sweep(longMs)]);
        lost.push(...both.flat());
        return lost.length < 450 ? `${lost.length} lost` : undefined;
      });
      expect(lost).toHaveLength(450);
      expect(new Set(lost.map(({ id }) => id)).size).toBe(450);
      expect(lost[0]).toMatchObject({ node: "a", channels: [news] });
      expect(await other.missing([])).toEqual([]);
      expect((await other.connections({}, { limit: 10 })).items).toMatchObject([
        { id: "b1", node: "b" },
        { id: "moved", node: "b" },
      ]);
      expect(await other.subscribers(news)).toBe(1);
      // It was only frozen: what it says next is refused, and then it says everything.
      expect(await one.write({ ...empty("a"), after: doomed.stamp, stamp: "x" }, longMs)).toBe("stale");
    });

    test("leaves alone a node that is back before anybody swept", async () => {
      const writer = new Writer(one, "a", 20);
      await writer.say([owned("1")]);
      await until(async () => ((await other.missing([])).includes("a") ? undefined : "not missing yet"));
      await new Writer(one, "a").say([owned("1"), owned("2")]);
      expect(await other.sweep(longMs)).toEqual([]);
      expect((await other.connections({}, { limit: 10 })).items).toHaveLength(2);
    });

    test("says what processes said of themselves for as long as they go on saying it", async () => {
      const figures = { websocket: 1, polling: 2, publicationsPerSecond: 3.5, deliveriesPerSecond: 4 };
      await one.report("a", figures, longMs);
      await one.report("admin", { ...figures, websocket: 0 }, 30);
      const health = { cpuPercent: 1.5, loopDelayMs: 0, memoryBytes: 9, unsentBytes: 0, canaryAgeMs: null };
      const ofNode = { ...figures, polling: 9, health: { ...health, latencyMs: { p50: 1, p99: 2.5 } } };
      await one.report("a", ofNode, longMs);
      await until(async () => ((await other.figures()).size === 1 ? undefined : "admin's has not ended"));
      expect([...(await other.figures())]).toEqual([["a", ofNode]]);
    });

    test.each(["__proto__", "constructor", "ö ü", "", "x".repeat(500)])("is not confused by the user %j", async (user) => {
      await new Writer(one, "node").say([owned("s", { user }), owned("t", { user: "other" })]);
      expect((await other.connectionsOf(user)).map(({ id }) => id)).toEqual(["s"]);
      expect((await other.connection("s"))?.user).toBe(user);
      expect((await other.users({ limit: 1 })).items).toHaveLength(1);
      expect((await everything((page) => other.users(page), 1)).map((item) => item.user).sort()).toEqual([user, "other"].sort());
    });
  });
}

/** A node's side of it: every batch behind the one before. */
class Writer {
  stamp = "";
  readonly #registry: Registry;
  readonly #node: string;
  readonly #leaseMs: number;
  #batches = 0;

  constructor(registry: Registry, node: string, leaseMs = longMs) {
    this.#registry = registry;
    this.#node = node;
    this.#leaseMs = leaseMs;
  }

  async say(changed: readonly OwnedConnection[], gone: readonly string[] = []): Promise<void> {
    const after = this.#batches === 0 ? undefined : this.stamp;
    this.stamp = `${this.#node} ${++this.#batches} ${Math.random()}`;
    const batch = { node: this.#node, after, stamp: this.stamp, complete: true, changed, gone };
    expect(await this.#registry.write(batch, this.#leaseMs)).toBe("written");
  }
}

function empty(node: string) {
  return { node, complete: true, changed: [], gone: [] };
}

function owned(id: string, more: Partial<OwnedConnection["connection"]> = {}, turn = 1): OwnedConnection {
  const channels: readonly Channel[] = [];
  return {
    connection: { id, user: null, transport: "websocket", address: "::1", since: 1, channels, unsentBytes: 0, ...more },
    turn,
  };
}

/** All pages of a list. */
async function everything<Item>(read: (page: PageRequest) => Promise<RegistryPage<Item>>, limit: number): Promise<Item[]> {
  const items: Item[] = [];
  let after: string | undefined;
  do {
    const page = await read({ after, limit });
    items.push(...page.items);
    after = page.next;
  } while (after !== undefined);
  return items;
}

import { MemoryPresence } from "@fanfare/broker";
import {
  channelName,
  type PresenceDelta,
  type PresenceNotice,
  type PresenceState,
  parsePresenceDelta,
  systemClock,
} from "@fanfare/domain";
import fc from "fast-check";
import { expect, test } from "vitest";
import { PresenceFeed, type Verdict } from "./presence-feed.ts";

/*
 * A feed between a broker whose deltas are lost, whose answers come late and which forgets everything, and a client that asks
 * when it likes. What the client makes of it must be who is there, whatever the order was.
 */

const room = channelName("room");
const membersMax = 3;

class World {
  presence!: MemoryPresence;
  readonly feed = new PresenceFeed(room, membersMax);
  /** Since when each is there. */
  readonly members = new Map<string, number>();
  /** On their way to the feed. */
  readonly wire: PresenceDelta[] = [];
  /** Read and not yet handed over. */
  #answer: PresenceState | undefined;
  settling = false;
  #doubt = true;
  #lost = false;
  #nowMs = 1;
  client: { version: number; members: Map<string, string> | undefined; asks: boolean } | undefined;
  reloads = 0;
  joinsTold = 0;

  constructor() {
    this.forget();
    this.#lost = false;
  }

  forget(): void {
    const clock = { ...systemClock, now: () => ++this.#nowMs };
    const publish = async (_topic: string, message: Uint8Array): Promise<void> => {
      const delta = parsePresenceDelta(Buffer.from(message).toString());
      if (delta !== undefined) this.wire.push(delta);
    };
    this.presence = new MemoryPresence({ cluster: "c", pubSub: { publish }, clock });
    this.wire.length = 0;
    this.#lost = true;
    void this.presence.beat(0, "n", 1e9);
  }

  async set(id: string, here: boolean): Promise<void> {
    if (here && !this.members.has(id)) this.members.set(id, ++this.#nowMs);
    else if (!here) this.members.delete(id);
    await this.say([id]);
  }

  async say(ids: Iterable<string>): Promise<void> {
    const changes = [...ids].map((id) => {
      const since = this.members.get(id);
      return since === undefined
        ? ({ kind: "leave", turn: 1, id, reason: "unsubscribed" } as const)
        : ({ kind: "join", turn: 1, member: { id, user: null, info: null, since } } as const);
    });
    await this.presence.apply("n", room, changes, { stays: true, membersMax });
  }

  deliver(): void {
    const delta = this.wire.shift();
    if (delta !== undefined) this.#act(this.feed.hear(delta));
  }

  lose(): void {
    if (this.wire.shift() !== undefined) this.#lost = true;
  }

  async startReading(): Promise<void> {
    if (this.#answer !== undefined || !(this.#doubt || this.settling)) return;
    this.feed.hold();
    this.#answer = await this.presence.read(room, membersMax);
  }

  finishReading(settled: boolean): void {
    if (this.#answer === undefined) return;
    const verdict = this.feed.load(this.#answer, settled);
    this.#answer = undefined;
    if (verdict !== "settle") {
      this.#doubt = false;
      if (settled) this.settling = false;
    }
    this.#act(verdict);
  }

  tell(): void {
    if (this.settling || !this.feed.loaded) return;
    const notice = this.feed.next();
    if (notice === undefined) return;
    this.joinsTold += notice.joined.length;
    if (this.client !== undefined) this.#hear(this.client, notice);
  }

  async ask(): Promise<void> {
    if (this.settling) return;
    const state = await this.presence.read(room, membersMax);
    if (!this.feed.show(state)) {
      this.settling = true;
      return;
    }
    const { version, members } = state;
    const listed = this.feed.countsOnly ? undefined : members?.map(({ id }) => [id, id] as const);
    this.client = { version, members: listed === undefined ? undefined : new Map(listed), asks: false };
  }

  #hear(client: NonNullable<World["client"]>, { joined, left, version, countsOnly, reload }: PresenceNotice): void {
    if (reload) {
      this.reloads++;
      client.asks = true;
      return;
    }
    if (version <= client.version) return;
    client.version = version;
    if (countsOnly) client.members = undefined;
    for (const { id } of left) client.members?.delete(id);
    for (const { id } of joined) client.members?.set(id, id);
  }

  #act(verdict: Verdict): void {
    if (verdict === "settle") this.settling = true;
    if (verdict === "doubt") this.#doubt = true;
  }

  /** Everything arrives, every doubt is cleared, and the client has done what it was told to. */
  async rest(): Promise<void> {
    await this.say(this.members.keys());
    for (let rounds = 0; rounds < 5; rounds++) {
      this.finishReading(this.settling);
      while (this.wire.length > 0) this.deliver();
      await this.startReading();
      this.finishReading(this.settling);
      // What the node does every quarter of a minute, for what nobody spoke after. Without a loss it is not needed.
      const [version] = await this.presence.versions([room]);
      if (this.#lost && version !== this.feed.version) this.#doubt = true;
    }
    this.tell();
    if (this.client?.asks) await this.ask();
  }
}

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant("set" as const), id: fc.constantFrom(..."abcdefgh"), here: fc.boolean() }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("deliver" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("lose" as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("startReading" as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("finishReading" as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("tell" as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("ask" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("forget" as const) }) },
);

test("whatever is lost, late or forgotten, at rest a client has made of it who is there", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 100, size: "max" }), async (steps) => {
      const world = new World();
      await world.startReading();
      world.finishReading(false);
      await world.ask();
      for (const one of steps) {
        if (one.do === "set") await world.set(one.id, one.here);
        else if (one.do === "ask") {
          await world.ask();
        } else if (one.do === "forget") {
          world.forget();
          // Its nodes say their members again, before anybody compares.
          world.settling = true;
          await world.say(world.members.keys());
        } else if (one.do === "finishReading") world.finishReading(world.settling);
        else await world[one.do]();
      }
      await world.rest();
      const known = world.client?.members;
      if (known === undefined) expect(world.feed.countsOnly).toBe(true);
      else expect([...known.keys()].sort()).toEqual([...world.members.keys()].sort());
    }),
    { numRuns: 500 },
  );
});

test("a broker that has forgotten everything and is told it again is nothing to tell", async () => {
  const world = new World();
  for (const id of "abc") await world.set(id, true);
  await world.startReading();
  world.finishReading(false);
  await world.ask();
  world.tell();
  const before = world.joinsTold;
  world.forget();
  await world.say(world.members.keys());
  await world.rest();
  expect(world.joinsTold).toBe(before);
  expect(world.reloads).toBe(0);
  expect([...(world.client?.members?.keys() ?? [])].sort()).toEqual(["a", "b", "c"]);
});

test("who came and left between two notices is named as left, because somebody may have asked in between", async () => {
  const world = new World();
  await world.startReading();
  world.finishReading(false);
  await world.set("a", true);
  await world.ask();
  await world.set("a", false);
  world.deliver();
  world.deliver();
  expect(world.feed.next()).toMatchObject({ joined: [], left: [{ id: "a" }] });
});

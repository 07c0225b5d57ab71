import {
  type Channel,
  channelName,
  type Presence,
  type PresenceChange,
  type PresenceDelta,
  type PresenceMember,
  type PubSub,
  parsePresenceDelta,
  partitionOf,
  roomOf,
  topicOfPresence,
} from "@fanfare/domain";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { newChannel } from "./broker-world.ts";
import { until } from "./wait.ts";

/** One backend as two nodes see it. */
export interface PresenceWorld {
  readonly cluster: string;
  readonly presences: readonly [Presence, Presence];
  readonly pubSub: PubSub;
  close(): Promise<void>;
}

const longMs = 60_000;
const listed = { stays: true, membersMax: 100 };

/** The law of {@link Presence}. */
export function presenceContract(open: () => Promise<PresenceWorld>): void {
  describe("every presence", () => {
    let world: PresenceWorld;
    let one: Presence;
    let other: Presence;
    let channel: Channel;
    let partition: number;
    beforeEach(async () => {
      world = await open();
      [one, other] = world.presences;
      channel = newChannel();
      partition = partitionOf(channel, one.partitions);
      await one.beat(partition, "a.1", longMs);
      await other.beat(partition, "b.1", longMs);
    });
    afterEach(() => world.close());

    async function listen(): Promise<PresenceDelta[]> {
      const deltas: PresenceDelta[] = [];
      world.pubSub.onMessage((_topic, message) => {
        const text = Buffer.from(message).toString();
        deltas.push(parsePresenceDelta(text) ?? expect.fail(`not a delta: ${text}`));
      });
      await world.pubSub.subscribe(topicOfPresence(world.cluster, roomOf(channel, partition)));
      return deltas;
    }

    const heard = (deltas: readonly PresenceDelta[], count: number) =>
      until(() => (deltas.length >= count ? undefined : `heard ${deltas.length} of ${count}`));

    test("knows nobody in a channel that nobody was in", async () => {
      expect(await one.read(channel, 10)).toEqual({ life: 0, version: 0, clients: 0, users: 0, members: [] });
      expect(await one.members(channel)).toEqual([]);
      expect(await one.versions([channel])).toEqual([0]);
    });

    test("tells every node who has joined, with users counted once and sessions without one not at all", async () => {
      await one.apply("a.1", channel, [join("s1", "ada"), join("s2", "ada"), join("s3", null)], listed);
      await other.apply("b.1", channel, [join("s4", "bob")], listed);
      const state = await one.read(channel, 10);
      expect(state).toMatchObject({ clients: 4, users: 2 });
      expect(byId(state.members)).toEqual([
        memberOf("s1", "ada"),
        memberOf("s2", "ada"),
        memberOf("s3", null),
        memberOf("s4", "bob"),
      ]);
      expect(await other.members(channel)).toEqual(byId(state.members));
      expect(await other.versions([channel, newChannel()])).toEqual([state.version, 0]);
    });

    test("lists nobody when there are more than was asked for, and still counts", async () => {
      await one.apply("a.1", channel, [join("s1", "ada"), join("s2", "bob")], listed);
      expect(await one.read(channel, 1)).toMatchObject({ clients: 2, users: 2, members: undefined });
    });

    test("lets members leave, and a user with the last of its sessions", async () => {
      await one.apply("a.1", channel, [join("s1", "ada"), join("s2", "ada")], listed);
      await one.apply("a.1", channel, [leave("s1")], listed);
      expect(await one.read(channel, 10)).toMatchObject({ clients: 1, users: 1 });
      await one.apply("a.1", channel, [leave("s2")], { ...listed, stays: false });
      expect(await one.read(channel, 10)).toMatchObject({ clients: 0, users: 0, members: [] });
    });

    test("announces what has changed, in one order, each naming the version before", async () => {
      const deltas = await listen();
      await one.apply("a.1", channel, [join("s1", "ada"), join("s2", null)], listed);
      await other.apply("b.1", channel, [join("s3", "ada")], listed);
      await one.apply("a.1", channel, [leave("s1"), join("s4", "eve")], listed);
      await heard(deltas, 3);
      const [first, second, third] = deltas;
      expect(first).toMatchObject({
        previous: 0,
        clients: 2,
        users: 1,
        joined: [memberOf("s1", "ada"), memberOf("s2", null)],
        left: [],
      });
      expect(second).toMatchObject({ previous: first?.version, life: first?.life, clients: 3, users: 1 });
      expect(third).toMatchObject({
        previous: second?.version,
        clients: 3,
        users: 2,
        joined: [memberOf("s4", "eve")],
        left: [{ ...memberOf("s1", "ada"), reason: "unsubscribed" }],
      });
      expect(await one.read(channel, 10)).toMatchObject({ life: third?.life, version: third?.version });
    });

    test("announces nothing when the same is said again, or about somebody who is not there", async () => {
      const deltas = await listen();
      await one.apply("a.1", channel, [join("s1", "ada")], listed);
      const { version } = await one.read(channel, 10);
      await one.apply("a.1", channel, [join("s1", "ada"), leave("nobody")], listed);
      expect(await one.versions([channel])).toEqual([version]);
      await one.apply("a.1", channel, [leave("s1")], listed);
      await heard(deltas, 2);
      expect(deltas.map(({ joined, left }) => [joined?.length, left?.length])).toEqual([
        [1, 0],
        [0, 1],
      ]);
    });

    test("announces a member whose info has changed as joined, and counts its new user instead of the old", async () => {
      const deltas = await listen();
      await one.apply("a.1", channel, [join("s1", "ada")], listed);
      const changed = { ...memberOf("s1", "bob"), info: { mood: "new" } };
      await one.apply("a.1", channel, [{ kind: "join", turn: 1, member: changed }], listed);
      await heard(deltas, 2);
      expect(deltas[1]).toMatchObject({ joined: [changed], left: [], clients: 1, users: 1 });
      expect((await one.read(channel, 10)).members).toEqual([changed]);
    });

    test("lets a session move to another node in silence, and its former node no longer speak for it", async () => {
      const deltas = await listen();
      await one.apply("a.1", channel, [join("s1", "ada")], listed);
      const moved = await other.apply(
        "b.1",
        channel,
        [{ ...join("s1", "ada", 2), member: { ...memberOf("s1", "ada"), since: 99 } }],
        listed,
      );
      expect(moved !== "fenced" && [...moved.since]).toEqual([["s1", memberOf("s1", "ada").since]]);
      await one.apply("a.1", channel, [leave("s1")], listed);
      await one.apply("a.1", channel, [join("s1", "eve")], listed);
      expect((await one.read(channel, 10)).members).toEqual([memberOf("s1", "ada")]);
      await other.apply("b.1", channel, [leave("s1", 2)], listed);
      await heard(deltas, 2);
      expect(deltas.map(({ clients }) => clients)).toEqual([1, 0]);
    });

    test("does not let a late leave take away a session that came back to the same node", async () => {
      await one.apply("a.1", channel, [join("s1", "ada")], listed);
      await one.apply("a.1", channel, [join("s1", "ada", 2)], listed);
      await one.apply("a.1", channel, [leave("s1", 1)], listed);
      expect(await one.read(channel, 10)).toMatchObject({ clients: 1 });
    });

    test("announces only counts above the size up to which members are told one by one", async () => {
      const deltas = await listen();
      const small = { stays: true, membersMax: 2 };
      await one.apply("a.1", channel, [join("s1", "ada"), join("s2", "bob")], small);
      await one.apply("a.1", channel, [join("s3", "ada")], small);
      await one.apply("a.1", channel, [leave("s2")], small);
      await heard(deltas, 3);
      expect(
        deltas.map(({ clients, users, joined, left }) => ({ clients, users, lists: joined !== undefined && left !== undefined })),
      ).toEqual([
        { clients: 2, users: 2, lists: true },
        { clients: 3, users: 2, lists: false },
        { clients: 2, users: 1, lists: true },
      ]);
    });

    test("keeps any info and any user to the letter", async () => {
      const info = { "a b": [1.5, null, '\n"\\ %d \u2028 😀'], __proto__x: {}, empty: [] };
      const member: PresenceMember = { id: "s-1_X", user: "a.b:c@d#e=f+g/h-i", info, since: 1_700_000_000_123 };
      const deltas = await listen();
      await one.apply("a.1", channel, [{ kind: "join", turn: 1, member }], listed);
      await heard(deltas, 1);
      expect(deltas[0]?.joined).toEqual([member]);
      expect((await other.read(channel, 10)).members).toEqual([member]);
      expect(await other.members(channel)).toEqual([member]);
    });

    test("counts an owner's steps, and knows it from its first beat on", async () => {
      expect(await one.beat(partition, "c.1", longMs)).toEqual({ known: false, steps: 0, lost: [] });
      const applied = await one.apply("c.1", channel, [join("s1", "ada")], listed);
      expect(applied !== "fenced" && applied.steps).toBe(1);
      expect(await one.beat(partition, "c.1", longMs)).toEqual({ known: true, steps: 1, lost: [] });
    });

    test("refuses an owner that never began, and writes nothing", async () => {
      expect(await one.apply("nobody.1", channel, [join("s1", "ada")], listed)).toBe("fenced");
      expect(await one.read(channel, 10)).toMatchObject({ clients: 0 });
    });

    test("hands a lost owner to one survivor, who lets those leave that nobody has taken over", async () => {
      await one.beat(partition, "dying.1", 100);
      await one.apply("dying.1", channel, [join("s1", "ada"), join("s2", "bob"), join("s3", null)], listed);
      await other.apply("b.1", channel, [join("s2", "bob", 2), join("s4", "ada")], listed);
      const told: string[] = [];
      await until(async () => {
        // The first one has no say here, so that it is clear who is told.
        for (const { owner } of (await other.beat(partition, "b.1", longMs)).lost) told.push(owner);
        return told.length > 0 ? undefined : "nobody is lost yet";
      });
      expect(told).toEqual(["dying.1"]);
      expect((await one.beat(partition, "a.1", longMs)).lost).toEqual([]);
      const deltas = await listen();
      expect(await one.apply("dying.1", channel, [join("s9", "eve")], listed)).toBe("fenced");
      expect(await other.sweep(partition, { owner: "dying.1", reason: "node_lost" }, 100)).toBe(2);
      await heard(deltas, 1);
      expect(deltas.flatMap(({ left }) => left?.map(({ id, reason }) => `${id} ${reason}`)).sort()).toEqual([
        "s1 node_lost",
        "s3 node_lost",
      ]);
      expect(byId((await one.read(channel, 10)).members)).toEqual([memberOf("s2", "bob"), memberOf("s4", "ada")]);
      expect(await one.read(channel, 10)).toMatchObject({ clients: 2, users: 2 });
      expect(await other.sweep(partition, { owner: "dying.1", reason: "node_lost" }, 100)).toBe(0);
      expect(await one.apply("dying.1", channel, [join("s9", "eve")], listed)).toBe("fenced");
    });

    test("sweeps nobody whose owner is alive", async () => {
      await one.apply("a.1", channel, [join("s1", "ada")], listed);
      expect(await other.sweep(partition, { owner: "a.1", reason: "node_lost" }, 100)).toBe(0);
      expect(await one.apply("a.1", channel, [join("s2", "ada")], listed)).not.toBe("fenced");
      expect(await one.read(channel, 10)).toMatchObject({ clients: 2 });
    });

    test("hands an owner that has retired over when its time has come, with its own reason", async () => {
      await one.apply("a.1", channel, [join("s1", "ada")], listed);
      await one.retire(partition, "a.1", "disconnected", 50);
      expect(await one.apply("a.1", channel, [join("s2", "ada")], listed)).toBe("fenced");
      expect(await one.read(channel, 10)).toMatchObject({ clients: 1 });
      await until(async () => {
        const { lost } = await other.beat(partition, "b.1", longMs);
        return lost[0]?.reason === "disconnected" ? undefined : `lost: ${JSON.stringify(lost)}`;
      });
    });

    test("loses nobody for a time in which nobody could renew", async () => {
      await one.beat(partition, "late.1", 200);
      const pausedUntil = performance.now() + 300;
      await until(() => (performance.now() > pausedUntil ? undefined : "the lease is running"));
      expect((await other.beat(partition, "b.1", 200)).lost).toEqual([]);
      expect((await one.beat(partition, "late.1", 200)).known).toBe(true);
    });

    test("sweeps an owner out of many channels and thousands of members", async () => {
      await one.beat(partition, "dying.1", 1_500);
      const many = Array.from({ length: 1_500 }, (_, number) => join(`s${number}`, `user${number % 700}`));
      for (let at = 0; at < many.length; at += 500) await one.apply("dying.1", channel, many.slice(at, at + 500), listed);
      await other.apply("b.1", channel, [join("stays", "ada")], listed);
      expect(await other.read(channel, 10)).toMatchObject({ clients: 1_501, users: 701, members: undefined });
      expect(await other.members(channel)).toHaveLength(1_501);
      await one.retire(partition, "dying.1", "node_lost", 0);
      const lost = await lostTo(other, "b.1");
      expect(await other.sweep(partition, lost, 100)).toBe(1_500);
      expect(await other.read(channel, 10)).toMatchObject({ clients: 1, users: 1, members: [memberOf("stays", "ada")] });
    });

    async function lostTo(presence: Presence, owner: string) {
      const lost: { owner: string; reason: "unsubscribed" | "disconnected" | "node_lost" }[] = [];
      await until(async () => {
        lost.push(...(await presence.beat(partition, owner, longMs)).lost);
        return lost.length > 0 ? undefined : "nobody is lost yet";
      });
      return lost[0] ?? expect.fail("nobody is lost");
    }

    test.each(["__proto__", "constructor", "x".repeat(255), "a:b@c#d=e+f/g-h"])(
      "is not confused by the channel %s",
      async (name) => {
        const odd = channelName(name);
        await one.beat(partitionOf(odd, one.partitions), "a.1", longMs);
        await one.apply("a.1", odd, [join("__proto__", "constructor")], listed);
        expect((await other.read(odd, 10)).members).toEqual([memberOf("__proto__", "constructor")]);
        expect(await other.read(odd, 10)).toMatchObject({ clients: 1, users: 1 });
      },
    );
  });
}

function memberOf(id: string, user: string | null): PresenceMember {
  return { id, user, info: null, since: 7 };
}

function join(id: string, user: string | null, turn = 1) {
  return { kind: "join", turn, member: memberOf(id, user) } as const satisfies PresenceChange;
}

function leave(id: string, turn = 1): PresenceChange {
  return { kind: "leave", turn, id, reason: "unsubscribed" };
}

function byId(members: readonly PresenceMember[] | undefined): PresenceMember[] {
  return [...(members ?? [])].sort((a, b) => (a.id < b.id ? -1 : 1));
}

import { MemoryPresence } from "@fanfare/broker";
import { channelName, FanfareError, type Presence, type PresenceMember, systemClock } from "@fanfare/domain";
import { createLog, createMetrics } from "@fanfare/telemetry";
import { until } from "@fanfare/test-support";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Roster } from "./presence-roster.ts";

const room = channelName("room");
const graceMs = 300;

let presence: MemoryPresence;
let roster: Roster;
/** What becomes of the next call of apply: carried out and its answer lost, or not carried out. */
let faults: ("answer lost" | "refused")[];

beforeEach(() => {
  faults = [];
  presence = new MemoryPresence({ cluster: "c", pubSub: { publish: async () => undefined } });
  const faulty: Presence = new Proxy(presence, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== "function") return member;
      if (name !== "apply") return member.bind(target);
      return async (...args: Parameters<Presence["apply"]>) => {
        const fault = faults.shift();
        if (fault !== "refused") {
          const applied = await target.apply(...args);
          if (fault === undefined) return applied;
        }
        throw new FanfareError("BROKER_UNAVAILABLE");
      };
    },
  });
  roster = new Roster({
    presence: faulty,
    node: "n",
    clock: systemClock,
    log: createLog({ name: "test", level: "silent" }),
    metrics: createMetrics({ app: "gateway", node: "n" }),
    graceMs,
    membersMax: 10,
  });
});
afterEach(() => roster.close());

const memberOf = (id: string): PresenceMember => ({ id, user: null, info: null, since: 1 });

const knows = (...ids: readonly string[]) =>
  until(async () => {
    const known = (await presence.members(room)).map(({ id }) => id).join();
    return known === ids.join() ? undefined : `knows ${known}`;
  });

test("what could not be written is written later, with what has come since", async () => {
  faults = ["refused", "answer lost"];
  roster.join(room, memberOf("a"), 1);
  await until(() => (faults.length < 2 ? undefined : "not tried yet"));
  roster.join(room, memberOf("b"), 1);
  await knows("a", "b");
});

test("what could not be written is not said again when it no longer holds", async () => {
  await roster.written(room);
  faults = ["refused"];
  roster.join(room, memberOf("a"), 1);
  const failing = roster.written(room);
  // While that is under way the session leaves, and that is written.
  roster.leave(room, "a", "unsubscribed");
  roster.join(room, memberOf("b"), 1);
  await failing.catch(() => undefined);
  await knows("b");
  await roster.written(room);
  await knows("b");
});

test("whoever asks after a change finds it", async () => {
  await until(async () => {
    roster.join(room, memberOf("a"), 1);
    await roster.written(room);
    return (await presence.members(room)).length === 1 ? undefined : "the owner has not begun";
  });
});

test("a session whose connection is lost leaves after its time, unless it is back with a later turn", async () => {
  for (const id of ["a", "b"]) roster.join(room, memberOf(id), 1);
  await knows("a", "b");
  roster.lose(room, "a");
  roster.lose(room, "b");
  roster.join(room, memberOf("b"), 2);
  await knows("b");
  expect((await presence.members(room))[0]?.since).toBe(1);
});

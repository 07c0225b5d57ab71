import { channelName, defaultEvent, type Plan, type Schedule, type TraceParent } from "@fanfare/domain";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { until } from "./wait.ts";

/** One backend as two processes see it. */
export interface ScheduleWorld {
  readonly schedules: readonly [Schedule, Schedule];
  close(): Promise<void>;
}

const anyTime = { overdueMs: 0, limit: 100, leaseMs: 60_000 };

function planAt(at: number, content: Partial<Plan["content"]> = {}): Plan {
  const payload = { json: "1", binary: false };
  return { at, channels: [channelName("news")], content: { event: defaultEvent, payload, ...content } };
}

/** The law of {@link Schedule}. */
export function scheduleContract(open: () => Promise<ScheduleWorld>): void {
  describe("every schedule", () => {
    let world: ScheduleWorld;
    let one: Schedule;
    let other: Schedule;
    beforeEach(async () => {
      world = await open();
      [one, other] = world.schedules;
    });
    afterEach(() => world.close());
    const added = async (plan: Plan): Promise<string> => {
      const outcome = await one.add(plan);
      if (outcome.kind !== "added") expect.fail(`the plan is a ${outcome.kind}`);
      return outcome.scheduledId;
    };

    test("hands out what is due, to the letter, in the order of times and then of arrival, and says when the next one is", async () => {
      const now = Date.now();
      const json = '{"n":9007199254740993,"text":"ü\\u0000"}';
      const traceparent = `00-${"1".repeat(32)}-${"2".repeat(16)}-01` as TraceParent;
      const content = { payload: { json, binary: false }, id: "__proto__", except: ["a", "b"], traceparent };
      const plan = { ...planAt(now - 5, content), channels: [channelName("a/b"), channelName("__proto__")] };
      const second = await added(plan);
      const third = await added(planAt(now - 5, { payload: { json: '{"base64":"AA=="}', binary: true } }));
      const first = await added(planAt(now - 60_000));
      await added(planAt(now + 50_000));

      const { plans, nextInMs } = await other.take(anyTime);
      expect(plans.map(({ scheduledId }) => scheduledId)).toEqual([first, second, third]);
      expect(plans[1]).toEqual({ ...plan, scheduledId: second });
      expect(plans[2]?.content.payload).toEqual({ json: '{"base64":"AA=="}', binary: true });
      expect(nextInMs).toBeGreaterThan(40_000);
      expect(nextInMs).toBeLessThanOrEqual(50_000);
    });

    test("hands out nothing before its time, and where a delay is asked for nothing before that is over", async () => {
      expect(await one.take(anyTime)).toEqual({ plans: [], nextInMs: undefined });
      await added(planAt(Date.now() + 400));
      expect((await one.take(anyTime)).plans).toEqual([]);
      await until(async () => ((await one.take({ ...anyTime, limit: 0 })).nextInMs === 0 ? undefined : "it is not due yet"));
      expect((await one.take({ ...anyTime, overdueMs: 60_000 })).plans).toEqual([]);
      expect((await one.take(anyTime)).plans).toHaveLength(1);
    });

    test("hands each out once, however many ask", async () => {
      for (let number = 0; number < 40; number++) await added(planAt(1_000 + number));
      const taken = await Promise.all(
        Array.from({ length: 10 }, (_, index) => (index % 2 ? one : other).take({ ...anyTime, limit: 4 })),
      );
      const names = taken.flatMap(({ plans }) => plans.map(({ scheduledId }) => scheduledId));
      expect(new Set(names).size).toBe(40);
      expect(names).toHaveLength(40);
    });

    test("hands out again what was taken and not done, and never what is done", async () => {
      const lost = await added(planAt(1));
      const kept = await added(planAt(2));
      const short = { ...anyTime, leaseMs: 150 };
      expect((await one.take(short)).plans).toHaveLength(2);
      await one.done([kept]);
      expect((await other.take(short)).plans).toEqual([]);
      await until(async () => {
        const names = (await other.take(short)).plans.map(({ scheduledId }) => scheduledId);
        if (names.length > 0) expect(names).toEqual([lost]);
        return names.length > 0 ? undefined : "the lease has not ended";
      });
      await other.done([lost]);
      expect(await one.find(lost)).toBeUndefined();
    });

    test("lists what waits, page by page, without what was taken", async () => {
      const soon = Date.now() + 60_000;
      const due = await added(planAt(1));
      const names: string[] = [];
      for (let number = 0; number < 7; number++) names.push(await added(planAt(soon - (number % 3), { id: `id ${number}` })));
      expect((await one.take(anyTime)).plans).toMatchObject([{ scheduledId: due }]);
      const sorted = names.toSorted();

      const listed: string[] = [];
      for (let after = ""; ; ) {
        const page = await other.page(after, 3);
        expect(page.length).toBeLessThanOrEqual(3);
        listed.push(...page.map(({ scheduledId }) => scheduledId));
        if (page.length === 0) break;
        after = page.at(-1)?.scheduledId ?? "";
      }
      expect(listed).toEqual(sorted);
      expect(await other.find(sorted[0] as string)).toMatchObject({
        at: soon - 2,
        channels: ["news"],
        event: "message",
        bytes: 1,
      });
    });

    test("calls off what waits, and says when it is too late or there is none", async () => {
      const waiting = await added(planAt(Date.now() + 60_000));
      const due = await added(planAt(1));
      expect(await other.remove(waiting)).toBe("removed");
      expect(await other.remove(waiting)).toBe("unknown");
      await one.take(anyTime);
      expect(await other.remove(due)).toBe("taken");
      expect(await other.find(due)).toMatchObject({ scheduledId: due });
      expect(await one.page("", 10)).toEqual([]);
    });

    test("knows an id: the same plan is one, another is refused, and plans without ids are as many as were added", async () => {
      const at = Date.now() + 60_000;
      const first = await added(planAt(at, { id: "x" }));
      expect(await other.add(planAt(at, { id: "x" }))).toEqual({ kind: "duplicate", scheduledId: first });
      // A retry comes from a span of its own.
      const traceparent = `00-${"1".repeat(32)}-${"2".repeat(16)}-01` as TraceParent;
      expect(await other.add(planAt(at, { id: "x", traceparent }))).toEqual({ kind: "duplicate", scheduledId: first });
      expect(await other.add(planAt(at + 1, { id: "x" }))).toEqual({ kind: "conflict" });
      expect(await other.add(planAt(at, { id: "x", payload: { json: "2", binary: false } }))).toEqual({ kind: "conflict" });
      await added(planAt(at));
      await added(planAt(at));
      expect(await one.page("", 10)).toHaveLength(3);
    });
  });
}

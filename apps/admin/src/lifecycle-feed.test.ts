import { openBackend } from "@fanfare/broker";
import { type LifecycleDraft, type LifecycleLog, lifecycleStart } from "@fanfare/domain";
import { createLog } from "@fanfare/telemetry";
import { expect, test } from "vitest";
import { LifecycleFeed } from "./lifecycle-feed.ts";

const log = createLog({ name: "admin", level: "silent" });
const connected = (connection: string): LifecycleDraft => ({ type: "connected", at: 1, node: "a", connection, user: null });

/** A feed on a log in memory whose reads are counted, with time that is moved by hand. */
function scene() {
  const { lifecycle, registry, directory } = openBackend({ cluster: "test", log });
  const state = { reads: 0, lost: false };
  let due: (() => void) | undefined;
  let batches = 0;
  const watched: LifecycleLog = {
    append: (...batch) => lifecycle.append(...batch),
    newest: () => (state.lost ? Promise.resolve(lifecycleStart) : lifecycle.newest()),
    async read(after, limit) {
      state.reads++;
      return state.lost && after !== lifecycleStart ? { events: [], gap: true } : lifecycle.read(after, limit);
    },
  };
  const clock = {
    now: () => 0,
    monotonic: () => 0,
    after(_ms: number, task: () => void) {
      due = task;
      return () => undefined;
    },
  };
  const feed = new LifecycleFeed({ lifecycle: watched, registry, directory, clock });
  return {
    feed,
    state,
    happen: (...names: string[]) => lifecycle.append("a", `${++batches}`, names.map(connected)),
    newest: () => lifecycle.newest(),
    async period() {
      const task = due;
      due = undefined;
      task?.();
      // Everything in memory is settled by then.
      await new Promise(setImmediate);
      return task !== undefined;
    },
  };
}

const names = ({ events }: Awaited<ReturnType<LifecycleFeed["read"]>>) => events.map(({ connection }) => connection);

test("however many listen, the log is read once a period", async () => {
  const { feed, state, happen, newest, period } = scene();
  await happen("before");
  const start = await newest();
  for (let listeners = 0; listeners < 50; listeners++) feed.listen();
  await period();
  const before = state.reads;
  await happen("1", "2");
  const woken = Promise.all(Array.from({ length: 50 }, () => feed.next()));
  await period();
  await woken;
  for (let listeners = 0; listeners < 50; listeners++) expect(names(await feed.read(start))).toEqual(["1", "2"]);
  expect(state.reads - before).toBe(1);
});

test("who is further behind than what is kept reads the log", async () => {
  const { feed, happen, newest, period } = scene();
  await happen("old");
  const old = await newest();
  await happen("less old");
  feed.listen();
  await period();
  for (let batch = 0; batch < 30; batch++) {
    await happen(...Array.from({ length: 100 }, (_, at) => `${batch * 100 + at}`));
    await period();
  }
  const { events, gap } = await feed.read(old);
  expect([events[0]?.connection, events.length, gap]).toEqual(["less old", 500, false]);
  // From page to page up to the newest, over the edge of what is kept.
  let after = old;
  const heard: unknown[] = [];
  for (;;) {
    const page = await feed.read(after);
    if (page.events.length === 0) break;
    heard.push(...names(page));
    after = page.events.at(-1)?.id ?? after;
  }
  expect(heard).toEqual(["less old", ...Array.from({ length: 3_000 }, (_, at) => `${at}`)]);
});

test("after the log was lost nothing that was kept is taken for what comes next", async () => {
  const { feed, state, happen, newest, period } = scene();
  feed.listen();
  await period();
  await happen("1");
  const one = await newest();
  await period();
  state.lost = true;
  await period();
  expect(await feed.read(one)).toEqual({ events: [], gap: true });
});

test("while nobody listens nothing is read", async () => {
  const { feed, state, period } = scene();
  const leave = feed.listen();
  await period();
  leave();
  leave();
  await period();
  expect(await period()).toBe(false);
  const before = state.reads;
  feed.listen();
  await period();
  expect([state.reads > before, feed.listeners]).toEqual([true, 1]);
});

test("the rates are the same numbers as a sample of the history", async () => {
  const { feed, period } = scene();
  feed.listen();
  expect(feed.rates).toBeUndefined();
  await period();
  const none = { publicationsPerSecond: 0, deliveriesPerSecond: 0, latencyMs: null };
  expect(feed.rates).toEqual({ at: 0, nodes: 0, websocket: 0, polling: 0, ...none });
});

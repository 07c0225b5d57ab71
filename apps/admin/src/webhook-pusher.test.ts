import { openBackend } from "@fanfare/broker";
import { type LifecycleDraft, type LifecycleEvent, type LifecycleLog, lifecycleStart } from "@fanfare/domain";
import { createLog, createMetrics } from "@fanfare/telemetry";
import { expect, onTestFinished, test } from "vitest";
import { WebhookPusher } from "./webhook-pusher.ts";

const log = createLog({ name: "admin", level: "silent" });
const connected = (connection: string): LifecycleDraft => ({ type: "connected", at: 1, node: "a", connection, user: null });

/** A cluster in memory, an application that answers as it is told, and time that is moved by hand. */
function scene() {
  let now = 0;
  const due = new Set<{ readonly atMs: number; readonly task: () => void }>();
  const clock = {
    now: () => now,
    monotonic: () => now,
    after(ms: number, task: () => void) {
      const entry = { atMs: now + ms, task };
      due.add(entry);
      return () => due.delete(entry);
    },
  };
  const { lifecycle: whole, deliveries } = openBackend({ cluster: "test", log, clock });
  const application = { status: 200, tries: 0, heard: [] as string[], gaps: [] as boolean[] };
  /** Whether the log is about to lose what it has. */
  const state = { lost: false };
  const lifecycle: LifecycleLog = {
    append: (...batch) => whole.append(...batch),
    newest: () => whole.newest(),
    async read(after, limit) {
      if (!state.lost) return whole.read(after, limit);
      const { events } = await whole.read(lifecycleStart, limit);
      state.lost = events.length === 0;
      return { events, gap: true };
    },
  };
  let batches = 0;
  return {
    application,
    deliveries,
    state,
    start(tries = 3, types?: ReadonlySet<string>) {
      const send = async (body: string) => {
        application.tries++;
        if (application.status !== 200) throw new Error(`status ${application.status}`);
        const { events, gap = false } = JSON.parse(body) as { events: LifecycleEvent[]; gap?: boolean };
        application.gaps.push(gap);
        expect(events.length).toBeLessThanOrEqual(100);
        application.heard.push(...events.map(({ connection = "" }) => connection));
      };
      const metrics = createMetrics({ app: "admin" });
      const pusher = new WebhookPusher({ lifecycle, deliveries, send, types, tries, clock, log, metrics });
      onTestFinished(() => pusher.stop());
      return pusher;
    },
    happen: (...drafts: LifecycleDraft[]) => lifecycle.append("a", `${++batches}`, drafts),
    async pass(ms: number) {
      for (const end = now + ms; now < end; ) {
        now += 250;
        for (const entry of due) {
          if (entry.atMs > now) continue;
          due.delete(entry);
          entry.task();
        }
        // Everything in memory is settled by then.
        for (let turns = 0; turns < 5; turns++) await new Promise(setImmediate);
      }
    },
  };
}

test("what happens after the first look is delivered in its order, in batches, once", async () => {
  const { start, happen, pass, application } = scene();
  await happen(connected("before"));
  start();
  await pass(500);
  const many = Array.from({ length: 250 }, (_, at) => String(at));
  await happen(...many.map(connected));
  await pass(1_000);
  expect(application).toMatchObject({ heard: many, tries: 3 });
});

test("only the types that are wanted are delivered", async () => {
  const { start, happen, pass, application } = scene();
  start(3, new Set(["disconnected"]));
  await pass(500);
  await happen(connected("1"), { ...connected("2"), type: "disconnected" }, connected("3"));
  await pass(1_000);
  expect(application.heard).toEqual(["2"]);
});

test("a batch that is refused is tried again with longer and longer pauses, and what is behind it waits", async () => {
  const { start, happen, pass, application } = scene();
  start(10);
  await pass(500);
  application.status = 500;
  await happen(connected("1"));
  await pass(8_000);
  expect(application.tries).toBeGreaterThan(2);
  expect(application.tries).toBeLessThan(6);
  await happen(connected("2"));
  application.status = 200;
  await pass(20_000);
  expect(application.heard).toEqual(["1", "2"]);
});

test("a batch that is refused too often is put aside, and goes out again when it is wanted", async () => {
  const { start, happen, pass, application, deliveries } = scene();
  start(3);
  await pass(500);
  application.status = 503;
  await happen(connected("1"));
  await pass(10_000);
  const { items } = await deliveries.dead({ limit: 10 });
  expect(items).toMatchObject([{ tries: 3, error: "status 503", events: [{ connection: "1" }] }]);
  await deliveries.revive(undefined);
  await pass(1_000);
  expect((await deliveries.dead({ limit: 10 })).items).toMatchObject([{ tries: 4 }]);
  application.status = 200;
  await happen(connected("2"));
  await pass(1_000);
  expect(application.heard).toEqual(["2"]);
  await deliveries.revive([items[0]?.id ?? ""]);
  await pass(1_000);
  expect(application.heard).toEqual(["2", "1"]);
  expect((await deliveries.dead({ limit: 10 })).items).toEqual([]);
});

test("of two processes one delivers, and the other goes on when that ends", async () => {
  const { start, happen, pass, application } = scene();
  const first = start();
  await pass(500);
  start();
  await happen(connected("1"));
  await pass(1_000);
  await first.stop();
  await happen(connected("2"));
  await pass(1_000);
  expect(application.heard).toEqual(["1", "2"]);
});

test("when the log has lost what comes next, the application is told so, with what there is", async () => {
  const { start, happen, pass, application, state } = scene();
  start();
  await pass(500);
  state.lost = true;
  await happen(connected("1"));
  await pass(1_000);
  await happen(connected("2"));
  await pass(1_000);
  expect(application).toMatchObject({ heard: ["1", "2"], gaps: [true, false] });
});

import { type Channel, type TraceParent, traceParent } from "@fanfare/domain";
import { describe, expect, test } from "vitest";
import { draftOf, keepAll, listen, neighbourOf, newChannel, type OpenBrokerWorld, publish } from "./broker-world.ts";
import { until } from "./wait.ts";

const traceOf = (digit: string): TraceParent =>
  traceParent(`00-${digit.repeat(32)}-${digit.repeat(16)}-01`) ?? expect.fail("a trace context is none");
const [first, second] = [traceOf("1"), traceOf("2")];

/** The part of the broker's law that is about where in a trace a publication was made. */
export function traceContract(open: OpenBrokerWorld): void {
  describe("a publication's trace context", () => {
    test("is announced in the context and kept in the log, and one without has no trace of it", async () => {
      const world = await open();
      const [one, other] = world.brokers;
      const channel = newChannel();
      const heard = await listen(world, channel);
      const traceparent = first;
      await publish(one, channel, "1", { traceparent, id: "named" });
      await publish(one, channel, "2", { traceparent });
      await publish(one, channel, "3");
      await until(() => (heard.messages.length < 3 ? `heard ${heard.messages.length}` : undefined));
      const contexts = heard.announcements.map(
        ({ args }) => (JSON.parse(Buffer.from(args).toString()) as [string, number, Record<string, unknown>])[2],
      );
      expect(contexts).toMatchObject([{ id: "named", traceparent }, { traceparent }, { offset: 3 }]);
      expect(Object.keys(contexts[1] ?? {})).toEqual(["channel", "offset", "epoch", "at", "traceparent"]);
      expect(Object.keys(contexts[2] ?? {})).toEqual(["channel", "offset", "epoch", "at"]);
      const { publications } = await other.read(channel, { from: "after", offset: 0, limit: 10 }, keepAll);
      expect(publications.map((publication) => publication.traceparent)).toEqual([traceparent, traceparent, undefined]);
      expect(publications[2]).not.toHaveProperty("traceparent");
    });

    test("says nothing about the content: a retry from another span is a duplicate, and the first context stays", async () => {
      const { brokers } = await open();
      const channel = newChannel();
      const draft = draftOf(channel, "1", { id: "k", traceparent: first });
      await brokers[0].publish(draft, keepAll);
      for (const traceparent of [second, undefined]) {
        expect(await brokers[1].publish({ ...draft, traceparent }, keepAll)).toMatchObject({ kind: "duplicate" });
      }
      const { publications } = await brokers[1].read(channel, { from: "end", limit: 10 }, keepAll);
      expect(publications.map(({ traceparent }) => traceparent)).toEqual([first]);
    });

    test("is each item's own where several are stored as one", async () => {
      const { brokers } = await open();
      const channel = newChannel();
      const neighbour = neighbourOf(channel, brokers[0]);
      const draft = draftOf(channel, "1", { traceparent: first });
      const items = [draft, { ...draft, traceparent: undefined }, { ...draft, channel: neighbour, traceparent: second }];
      await brokers[0].publishAll(
        items.map((item) => ({ draft: item, retain: keepAll })),
        {},
      );
      const tracesIn = async (name: Channel) =>
        (await brokers[1].read(name, { from: "end", limit: 10 }, keepAll)).publications.map(({ traceparent }) => traceparent);
      expect([await tracesIn(channel), await tracesIn(neighbour)]).toEqual([[first, undefined], [second]]);
    });
  });
}

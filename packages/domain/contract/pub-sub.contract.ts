import type { Link, PubSub } from "@fanfare/domain";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { until } from "./wait.ts";

/** One backend as two nodes hear it. */
export interface PubSubWorld {
  readonly pubSubs: readonly [PubSub, PubSub];
  close(): Promise<void>;
}

/** The law of {@link PubSub}. */
export function pubSubContract(open: () => Promise<PubSubWorld>): void {
  describe("every pub-sub", () => {
    let world: PubSubWorld;
    let one: PubSub;
    let other: PubSub;
    const heard: { readonly by: "one" | "other"; readonly topic: string; readonly text: string }[] = [];

    beforeEach(async () => {
      world = await open();
      [one, other] = world.pubSubs;
      heard.length = 0;
      one.onMessage((topic, message) => void heard.push({ by: "one", topic, text: Buffer.from(message).toString() }));
      other.onMessage((topic, message) => void heard.push({ by: "other", topic, text: Buffer.from(message).toString() }));
    });
    afterEach(() => world.close());
    const textsOf = (by: "one" | "other", topic: string): string[] =>
      heard.filter((message) => message.by === by && message.topic === topic).map(({ text }) => text);

    test("says once that the link to a partition is up", async () => {
      const links: Link[] = [];
      one.onLink((link, partition) => {
        if (partition === 0) links.push(link);
      });
      await until(() => (links.length === 0 ? "no word of the link" : undefined));
      expect(links).toEqual(["up"]);
    });

    test("carries what is published after the subscription to every subscriber, the publisher included, in order", async () => {
      await Promise.all([one.subscribe("t{0}"), other.subscribe("t{0}")]);
      const texts = Array.from({ length: 500 }, (_, number) => String(number));
      await Promise.all(texts.map((text) => one.publish("t{0}", Buffer.from(text))));
      await until(() => (heard.length < 1_000 ? `heard only ${heard.length}` : undefined));
      expect(textsOf("one", "t{0}")).toEqual(texts);
      expect(textsOf("other", "t{0}")).toEqual(texts);
    });

    test("carries bytes, whatever they are", async () => {
      const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte);
      const arrived: number[][] = [];
      other.onMessage((_topic, message) => void arrived.push([...message]));
      await other.subscribe("bytes{0}");
      await one.publish("bytes{0}", bytes.subarray(3));
      await one.publish("bytes{0}", new Uint8Array());
      await until(() => (arrived.length < 2 ? `heard only ${arrived.length}` : undefined));
      expect(arrived).toEqual([[...bytes.subarray(3)], []]);
    });

    test("never hands a message over inside the call that publishes it", async () => {
      await one.subscribe("t{0}");
      const published = one.publish("t{0}", Buffer.from("1"));
      expect(heard).toEqual([]);
      await published;
      await until(() => (heard.length < 1 ? "heard nothing" : undefined));
    });

    test("is silent about topics that nobody asked for", async () => {
      await one.subscribe("mine{0}");
      await other.publish("yours{0}", Buffer.from("1"));
      await other.publish("mine{0}", Buffer.from("2"));
      await until(() => (heard.length < 1 ? "heard nothing" : undefined));
      expect(heard).toEqual([{ by: "one", topic: "mine{0}", text: "2" }]);
    });

    test("tells how many nodes are subscribed, each counted once", async () => {
      expect(await one.subscribers("t{0}")).toBe(0);
      await Promise.all([one.subscribe("t{0}"), one.subscribe("t{0}"), one.subscribe("t{0}")]);
      expect(await one.subscribers("t{0}")).toBe(1);
      await other.subscribe("t{0}");
      await until(async () => ((await one.subscribers("t{0}")) === 2 ? undefined : "not two"));
    });

    test("hears a topic once that was subscribed twice", async () => {
      await one.subscribe("t{0}");
      await one.subscribe("t{0}");
      await other.publish("t{0}", Buffer.from("1"));
      await other.publish("t{0}", Buffer.from("2"));
      await until(() => (textsOf("one", "t{0}").includes("2") ? undefined : "did not hear 2"));
      expect(textsOf("one", "t{0}")).toEqual(["1", "2"]);
    });

    test("hears a topic again that was let go and taken back", async () => {
      await one.subscribe("t{0}");
      one.unsubscribe("t{0}");
      await one.subscribe("t{0}");
      await other.publish("t{0}", Buffer.from("1"));
      await until(() => (textsOf("one", "t{0}").length < 1 ? "heard nothing" : undefined));
    });

    test("is not bothered by letting go what it never had", async () => {
      one.unsubscribe("t{0}");
      await one.subscribe("t{0}");
      expect(await one.subscribers("t{0}")).toBe(1);
    });

    test("hears thousands of topics that were asked for at once", async () => {
      const topics = Array.from({ length: 1_700 }, (_, number) => `many:${number}{0}`);
      await Promise.all(topics.map((topic) => one.subscribe(topic)));
      await Promise.all(topics.map((topic) => other.publish(topic, Buffer.from("1"))));
      await until(() => (heard.length < topics.length ? `heard only ${heard.length}` : undefined));
      expect(new Set(heard.map(({ topic }) => topic)).size).toBe(topics.length);
    });

    test("goes on after a listener that throws", async () => {
      await one.subscribe("t{0}");
      const texts: string[] = [];
      one.onMessage((_topic, message) => {
        texts.push(Buffer.from(message).toString());
        throw new Error("the listener is broken");
      });
      for (const text of ["1", "2", "3"]) await other.publish("t{0}", Buffer.from(text));
      await until(() => (texts.length < 3 ? `heard only ${texts}` : undefined));
      expect(texts).toEqual(["1", "2", "3"]);
    });

    test("hears nothing once it is closed, and may be closed twice", async () => {
      await Promise.all([one.subscribe("t{0}"), other.subscribe("t{0}")]);
      await one.close();
      await one.close();
      await until(async () => ((await other.subscribers("t{0}")) === 1 ? undefined : "it is still counted"));
      await other.publish("t{0}", Buffer.from("1"));
      await until(() => (textsOf("other", "t{0}").length < 1 ? "the other heard nothing" : undefined));
      expect(textsOf("one", "t{0}")).toEqual([]);
    });
  });
}

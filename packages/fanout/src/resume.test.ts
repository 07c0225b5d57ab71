import { channelName, defaultEvent, parseBookmark } from "@fanfare/domain";
import fc from "fast-check";
import { expect, test } from "vitest";
import { ModelBroker, ModelClient, ModelNode, turn } from "../test/world.ts";
import type { SessionChannel } from "./fanout.ts";

/*
 * A client that goes from node to node while publishing, loss and repair go on. Every step is taken at an arbitrary moment
 * of the others: a resumption under way is not waited for unless the schedule says so.
 */

const names = ["a", "b", "c", "d"].map(channelName);

type Step =
  | { act: "publish"; channel: number }
  | { act: "flush" | "lose" | "repeat" | "down" | "up"; node: number }
  | { act: "leave" }
  | { act: "come"; node: number }
  | { act: "turn" }
  | { act: "trim" | "forget"; channel: number };

const node = fc.integer({ min: 0, max: 1 });
const channel = fc.integer({ min: 0, max: names.length - 1 });
const usual: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ act: fc.constant("publish" as const), channel }) },
  { weight: 5, arbitrary: fc.record({ act: fc.constant("flush" as const), node }) },
  { weight: 8, arbitrary: fc.record({ act: fc.constant("turn" as const) }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constantFrom("down" as const, "up" as const, "repeat" as const), node }) },
  { weight: 3, arbitrary: fc.record({ act: fc.constant("leave" as const) }) },
  { weight: 4, arbitrary: fc.record({ act: fc.constant("come" as const), node }) },
);
const withLoss: fc.Arbitrary<Step> = fc.oneof(
  { weight: 20, arbitrary: usual },
  { weight: 1, arbitrary: fc.record({ act: fc.constantFrom("trim" as const, "forget" as const), channel }) },
);

class World {
  readonly broker: ModelBroker;
  readonly nodes: ModelNode[];
  readonly client = new ModelClient();
  joined: SessionChannel[] = [];
  #at: ModelNode | undefined;
  #ids = 0;

  constructor(partitions: number) {
    this.broker = new ModelBroker(partitions);
    this.nodes = [new ModelNode(this.broker, "one"), new ModelNode(this.broker, "two")];
  }

  async begin(): Promise<void> {
    await this.#quiet();
    const [first] = this.nodes;
    if (first === undefined) return;
    const socket = first.connect(this.client, "s0");
    this.#at = first;
    for (const name of names) {
      const { epoch, offset } = await first.fanout.subscribe(socket, name);
      this.joined.push([name, { epoch, offset }]);
    }
    // As the welcome does.
    this.client.bookmark = first.fanout.bookmark;
  }

  take(step: Step): void {
    switch (step.act) {
      case "publish": {
        const name = names[step.channel];
        if (name !== undefined)
          this.broker.publishNow({ channel: name, event: defaultEvent, payload: { json: "0", binary: false } }, true);
        return;
      }
      case "flush":
      case "lose":
      case "repeat":
        this.nodes[step.node]?.link[step.act]();
        return;
      case "down":
      case "up":
        this.nodes[step.node]?.link.set(step.act);
        return;
      case "leave":
        this.leave();
        return;
      case "come":
        this.come(step.node);
        return;
      case "trim":
      case "forget": {
        const name = names[step.channel];
        if (name !== undefined) this.broker[step.act](name);
        return;
      }
      case "turn":
    }
  }

  leave(): void {
    this.#at?.disconnect(this.client);
    this.#at = undefined;
  }

  come(index: number): void {
    if (this.#at !== undefined) return;
    const at = this.nodes[index];
    const bookmark = parseBookmark(this.client.bookmark);
    if (at === undefined || bookmark === undefined) return;
    this.#at = at;
    const socket = at.connect(this.client, `s${++this.#ids}`);
    at.fanout.resume(socket, this.joined, bookmark).then(
      (resumed) => {
        // As the gateway does: the client then comes back by itself.
        if (!resumed && this.client.socket === socket) this.leave();
      },
      () => {
        if (this.client.socket === socket) this.leave();
      },
    );
  }

  /** Heals everything and lets the client come to rest on a node. */
  async settle(): Promise<void> {
    for (let round = 0; round < 4; round++) {
      for (const { link } of this.nodes) {
        link.set("down");
        link.set("up");
      }
      await this.#quiet();
      this.come(0);
      await this.#quiet();
    }
  }

  async #quiet(): Promise<void> {
    for (let turns = 0; turns < 40; turns++) {
      await turn();
      for (const { link } of this.nodes) link.flush();
    }
  }

  close(): void {
    for (const { fanout } of this.nodes) fanout.close();
  }
}

async function run(partitions: number, steps: readonly Step[]): Promise<World> {
  const world = new World(partitions);
  await world.begin();
  for (const step of steps) {
    world.take(step);
    if (step.act === "turn") await turn();
  }
  await world.settle();
  world.close();
  return world;
}

test.each([1, 3])(
  "a client that wanders between nodes misses nothing and hears nothing twice (%i partitions)",
  async (partitions) => {
    await fc.assert(
      fc.asyncProperty(fc.array(usual, { maxLength: 80, size: "max" }), async (steps) => {
        const { client, broker, joined } = await run(partitions, steps);
        for (const [name, { offset }] of joined) {
          const heard = client.heard.filter(({ channel }) => channel === name);
          const all = broker.log(name).entries.filter((entry) => entry.offset > offset);
          expect(heard).toEqual(all.map(({ channel, epoch, offset }) => ({ channel, epoch, offset })));
        }
      }),
      { numRuns: 200 },
    );
  },
  60_000,
);

test("when the broker loses a log, every hole in what a client hears is told before it", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(withLoss, { maxLength: 80, size: "max" }), async (steps) => {
      const { client, joined } = await run(1, steps);
      for (const [name, position] of joined) {
        let at: { epoch: string; offset: number } | undefined = position;
        for (const heard of client.heard) {
          if (heard.channel !== name) continue;
          if ("reset" in heard) at = undefined;
          else {
            if (at !== undefined) expect(heard).toMatchObject({ epoch: at.epoch, offset: at.offset + 1 });
            at = heard;
          }
        }
      }
    }),
    { numRuns: 300 },
  );
}, 60_000);

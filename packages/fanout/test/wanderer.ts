import { channelName, defaultEvent, parseBookmark } from "@fanfare/domain";
import fc from "fast-check";
import { type SessionChannel, unsentBytes } from "../src/index.ts";
import { ModelBroker, ModelClient, ModelNode, type SlowWorld, turn } from "./world.ts";

/*
 * A client that goes from node to node while publishing, loss and repair go on. Every step is taken at an arbitrary moment
 * of the others: a resumption under way is not waited for unless the schedule says so.
 */

export const names = ["a", "b", "c", "d"].map(channelName);

export type Step =
  | { act: "publish"; channel: number }
  | { act: "flush" | "lose" | "repeat" | "down" | "up"; node: number }
  | { act: "leave" | "begin closing" }
  | { act: "come"; node: number }
  | { act: "turn" }
  | { act: "stall" | "read" }
  /** The rules change for publishers, and a node reads them. */
  | { act: "keep" | "forgo" }
  | { act: "rules"; node: number }
  | { act: "trim" | "forget" | "expire"; channel: number };

const node = fc.integer({ min: 0, max: 1 });
const channel = fc.integer({ min: 0, max: names.length - 1 });
export const usual: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ act: fc.constant("publish" as const), channel }) },
  { weight: 5, arbitrary: fc.record({ act: fc.constant("flush" as const), node }) },
  { weight: 8, arbitrary: fc.record({ act: fc.constant("turn" as const) }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constantFrom("down" as const, "up" as const, "repeat" as const), node }) },
  { weight: 3, arbitrary: fc.record({ act: fc.constant("leave" as const) }) },
  { weight: 4, arbitrary: fc.record({ act: fc.constant("come" as const), node }) },
);
export class Wanderer {
  readonly broker: ModelBroker;
  readonly nodes: ModelNode[];
  readonly client = new ModelClient();
  readonly #receipts: true | undefined;
  joined: SessionChannel[] = [];
  #at: ModelNode | undefined;
  #ids = 0;

  /** The most bytes that ever waited for the client. */
  unsentMax = 0;

  constructor(partitions: number, slowWorld?: SlowWorld) {
    this.broker = new ModelBroker(partitions);
    this.#receipts = slowWorld?.receipts;
    this.nodes = ["one", "two"].map((name) => new ModelNode(this.broker, name, slowWorld));
    for (const { fanout } of this.nodes) {
      fanout.onTooSlow((socket) => {
        if (this.client.socket === socket) this.leave();
      });
    }
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
          this.broker.publishNow(
            { channel: name, event: defaultEvent, payload: { json: "0", binary: false }, receipt: this.#receipts },
            this.broker.keeps,
          );
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
      case "keep":
      case "forgo":
        this.broker.keeps = step.act === "keep";
        return;
      case "rules":
        this.nodes[step.node]?.fanout.retentionChanged();
        return;
      case "stall":
        this.client.reads = false;
        return;
      case "read":
        this.client.reads = true;
        this.#at?.drain(this.client);
        return;
      case "leave":
        this.leave();
        return;
      case "begin closing":
        this.#at?.beginClosing(this.client);
        return;
      case "come":
        this.come(step.node);
        return;
      case "expire":
      case "trim":
      case "forget": {
        const name = names[step.channel];
        if (name !== undefined) this.broker[step.act](name);
        return;
      }
      case "turn":
    }
  }

  /** Takes a step, and its time. */
  async step(step: Step): Promise<void> {
    this.take(step);
    if (step.act === "turn") await turn();
    const { socket } = this.client;
    if (socket !== undefined) this.unsentMax = Math.max(this.unsentMax, unsentBytes(socket));
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
    this.take({ act: "read" });
    if (this.client.socket?.conn?.readyState === "closing") this.leave();
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

export async function wander(
  partitions: number,
  steps: readonly Step[],
  slowWorld?: SlowWorld,
  settle = true,
): Promise<Wanderer> {
  const world = new Wanderer(partitions, slowWorld);
  await world.begin();
  for (const step of steps) await world.step(step);
  if (!settle) return world;
  await world.settle();
  world.close();
  return world;
}

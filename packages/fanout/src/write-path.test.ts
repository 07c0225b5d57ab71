import { channelName, defaultEvent, type Payload } from "@fanfare/domain";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type RealClient, RealNode } from "../test/real-node.ts";
import { ModelBroker, turn } from "../test/world.ts";

/*
 * The same schedule on four nodes that differ in nothing but the way their connections are written to: by Engine.IO alone, and
 * by our writers, below the streams of Node, to them, and compressed. Every client must receive the same, in the same order.
 */

const channels = ["a", "b", "c"].map(channelName);
const transports = [["websocket"], ["websocket"], ["polling", "websocket"], ["polling"]];

type Step =
  | { act: "publish"; channel: number; kind: "text" | "long" | "large" | "binary" }
  | { act: "hear" | "turn" | "pause" }
  | { act: "join" | "leave"; channel: number; client: number }
  | { act: "emit" | "send" | "volatile" | "ask" | "answer" | "stall" | "read"; client: number };

const largeBytes = 3_000_000;
const channel = fc.nat(channels.length - 1);
const client = fc.nat(transports.length - 1);
const schedules = fc.array(
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        act: fc.constant("publish" as const),
        channel,
        kind: fc.oneof(
          { weight: 15, arbitrary: fc.constant("text" as const) },
          { weight: 5, arbitrary: fc.constant("long" as const) },
          { weight: 3, arbitrary: fc.constant("binary" as const) },
          { weight: 1, arbitrary: fc.constant("large" as const) },
        ),
      }),
    },
    { weight: 6, arbitrary: fc.record({ act: fc.constantFrom("hear" as const, "turn" as const, "pause" as const) }) },
    {
      weight: 3,
      arbitrary: fc.record({ act: fc.constantFrom("join" as const, "join" as const, "leave" as const), channel, client }),
    },
    {
      weight: 5,
      arbitrary: fc.record({
        act: fc.constantFrom(...(["emit", "send", "volatile", "ask", "answer", "stall", "read"] as const)),
        client,
      }),
    },
  ) satisfies fc.Arbitrary<Step>,
  { minLength: 10, maxLength: 100, size: "max" },
);

class Side {
  readonly broker = new ModelBroker();
  readonly node: RealNode;

  constructor(how: ConstructorParameters<typeof RealNode>[1]) {
    this.node = new RealNode(this.broker, how);
  }

  async run(schedule: readonly Step[]) {
    const clients: RealClient[] = [];
    // One by one, so that each side knows which is whose.
    for (const one of transports) clients.push(await this.node.client(one));
    for (const { socket } of clients) for (const name of channels.slice(1)) await this.node.fanout.subscribe(socket, name);
    let number = 0;
    for (const step of schedule) await this.#take(step, clients, ++number);
    this.node.link.flush();
    for (const one of clients) one.read(true);
    await Promise.all(clients.map((one) => one.all()));
    await Promise.all(clients.map((one) => one.close()));
    return clients.map(({ heard }) => told(heard));
  }

  async #take(step: Step, clients: readonly RealClient[], number: number): Promise<void> {
    const { fanout, link } = this.node;
    const one = "client" in step ? clients[step.client] : undefined;
    const name = "channel" in step ? channels[step.channel] : undefined;
    switch (step.act) {
      case "publish":
        if (name !== undefined)
          this.broker.publishNow({ channel: name, event: defaultEvent, payload: payload(step.kind, number) }, true);
        return;
      case "hear":
        return link.flush();
      case "turn":
        return turn();
      case "pause":
        return new Promise((resolve) => setTimeout(resolve, 3));
      case "join":
        if (one !== undefined && name !== undefined) await fanout.subscribe(one.socket, name);
        return;
      case "leave":
        if (one !== undefined && name !== undefined) await fanout.unsubscribe(one.socket, name);
        return;
      case "emit":
        one?.socket.emit("direct", number);
        return;
      case "send":
        if (one !== undefined) fanout.send(one.socket, "notice", number);
        return;
      case "volatile":
        one?.socket.volatile.emit("volatile", number);
        return;
      case "ask":
        return one?.ask();
      case "answer":
        return one?.answer();
      case "stall":
      case "read":
        one?.read(step.act === "read");
    }
  }
}

function payload(kind: "text" | "long" | "large" | "binary", number: number): Payload {
  if (kind === "text") return { json: `{"n":${number},"ü":"…"}`, binary: false };
  if (kind === "long") return { json: JSON.stringify(`${number} ${"compressed? ".repeat(100 + number)}`), binary: false };
  // More than the system takes off a node for a client that does not read.
  if (kind === "large") return { json: JSON.stringify(`${number}${"x".repeat(largeBytes)}`), binary: false };
  return { json: `{"base64":"${Buffer.alloc(number * 100, number).toString("base64")}"}`, binary: true };
}

/** What was heard for certain, and of the rest behind how many of these it came. */
function told(heard: RealClient["heard"]) {
  const certain: string[] = [];
  const volatile = new Map<string, number>();
  for (const one of heard) {
    if (one.volatile) volatile.set(one.what, certain.length);
    else certain.push(one.what);
  }
  return { certain, volatile };
}

let sides: readonly Side[];
beforeAll(async () => {
  sides = [new Side("stock"), new Side("direct"), new Side("closed"), new Side("compressing")];
  for (const { node } of sides) await node.listen();
});
afterAll(async () => {
  for (const { node } of sides) await node.close();
});

test("every client hears the same in the same order, by whatever way its node writes", async () => {
  let events = 0;
  await fc.assert(
    fc.asyncProperty(schedules, async (schedule) => {
      for (const { broker } of sides) for (const name of channels) broker.forget(name);
      const [stock, ...ours] = await Promise.all(sides.map((side) => side.run(schedule)));
      ours
        .flatMap((clients) => [...clients.entries()])
        .forEach(([index, { certain, volatile }]) => {
          expect(certain).toEqual(stock?.[index]?.certain);
          // What may be lost need not be lost on both, but where both have it, it is at the same place.
          for (const [what, behind] of stock?.[index]?.volatile ?? [])
            expect([what, volatile.get(what) ?? behind]).toEqual([what, behind]);
          events += certain.length;
        });
    }),
    // A machine that is busy with other things tries fewer schedules.
    { numRuns: 20, interruptAfterTimeLimit: 40_000 },
  );
  expect(events).toBeGreaterThan(10);
}, 120_000);

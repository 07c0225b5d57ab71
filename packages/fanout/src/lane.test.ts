import { type Channel, channelName, defaultEvent, type Publication, type Seq } from "@fanfare/domain";
import fc from "fast-check";
import { expect, test } from "vitest";
import { clock, ModelBroker, observer, retention, turn } from "../test/world.ts";
import type { ChannelState } from "./channel-state.ts";
import { itemOfPublication } from "./item.ts";
import { Lane } from "./lane.ts";
import { LogReader } from "./log-reader.ts";

/*
 * A model of the broker (logs that grow, are trimmed, lost or rolled back) and of the link to it (which loses, repeats and
 * interrupts), driven through arbitrary interleavings against the real lane.
 */

const names = ["a", "b", "c"].map(channelName);

class Subject {
  readonly broker = new ModelBroker();
  /** What the lane did, in its order. */
  readonly log: { channel: Channel; epoch: string; offset: number; seq: Seq; reset?: string }[] = [];
  readonly states: ChannelState[] = [];
  readonly lane: Lane;
  #wire: Publication[] = [];
  #linked = true;

  constructor() {
    const record = (state: ChannelState, place: { epoch: string; offset: number; seq: Seq }, reset?: string) =>
      this.log.push({ channel: state.channel, ...place, ...(reset === undefined ? {} : { reset }) });
    this.lane = new Lane(0, this.states, {
      broker: this.broker,
      reader: new LogReader(this.broker, () => retention),
      clock,
      observer,
      deliver: (state, { epoch, offset, seq }) => record(state, { epoch, offset, seq }),
      reset: (state, reason) => record(state, { epoch: "", offset: 0, seq: 0 }, reason),
    });
    this.lane.linkChanged("up");
  }

  enter(channel: Channel) {
    const { epoch, top: offset, seq } = this.broker.log(channel);
    const state: ChannelState = {
      channel,
      partition: 0,
      room: channel,
      topic: channel,
      logged: true,
      ruled: true,
      opened: Promise.resolve(),
      delivered: undefined,
      early: [],
      captures: new Set(),
      members: new Map(),
      holds: 1,
      dropped: false,
      heard: false,
    };
    this.states.push(state);
    this.lane.opened(state, { epoch, offset, seq });
  }

  publish(channel: Channel) {
    const publication = this.broker.publishNow({ channel, event: defaultEvent, payload: { json: "0", binary: false } }, true);
    if (this.#linked) this.#wire.push(publication);
  }

  lose() {
    this.#wire.shift();
  }

  repeat() {
    const [next] = this.#wire;
    if (next !== undefined) this.#wire.push(next);
  }

  flush() {
    for (const publication of this.#wire.splice(0)) {
      const state = this.states.find(({ channel }) => channel === publication.channel);
      if (state !== undefined) this.lane.hear(state, itemOfPublication(publication));
    }
  }

  link(link: "up" | "down") {
    this.#linked = link === "up";
    // What was on the wire when the connection broke is gone.
    if (!this.#linked) this.#wire = [];
    this.lane.linkChanged(link);
  }

  async settle() {
    this.broker.away = false;
    this.link("down");
    this.link("up");
    for (let turns = 0; turns < 60; turns++) await turn();
    this.flush();
    for (let turns = 0; turns < 60; turns++) await turn();
  }
}

type Step =
  | { act: "publish" | "trim" | "forget" | "rollBack"; channel: Channel }
  | { act: "lose" | "repeat" | "flush" | "down" | "up" | "away" | "back" | "turn" };

const channel = fc.constantFrom(...names);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ act: fc.constant("publish" as const), channel }) },
  { weight: 6, arbitrary: fc.record({ act: fc.constantFrom("flush" as const, "turn" as const) }) },
  {
    weight: 3,
    arbitrary: fc.record({ act: fc.constantFrom("lose" as const, "repeat" as const, "down" as const, "up" as const) }),
  },
  { weight: 1, arbitrary: fc.record({ act: fc.constantFrom("away" as const, "back" as const) }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constantFrom("trim" as const, "forget" as const, "rollBack" as const), channel }) },
);

async function run(steps: readonly Step[]): Promise<Subject> {
  const subject = new Subject();
  for (const name of names) subject.enter(name);
  for (const { act, ...rest } of steps) {
    const { channel = names[0] as Channel } = rest as { channel?: Channel };
    if (act === "publish") subject.publish(channel);
    else if (act === "trim" || act === "forget" || act === "rollBack") subject.broker[act](channel);
    else if (act === "down" || act === "up") subject.link(act);
    else if (act === "away" || act === "back") subject.broker.away = act === "away";
    else if (act === "turn") await turn();
    else subject[act]();
  }
  await subject.settle();
  return subject;
}

test("whatever the link and the broker do, subscribers get every publication once and in order, or are told", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60, size: "max" }), async (steps) => {
      const { log, states, broker, lane } = await run(steps);
      expect(lane.flowing).toBe(true);
      for (const { channel, delivered } of states) {
        let at: { epoch: string; offset: number } | undefined;
        for (const entry of log.filter((entry) => entry.channel === channel)) {
          if (entry.reset !== undefined) at = undefined;
          else if (at !== undefined) expect(entry).toMatchObject({ epoch: at.epoch, offset: at.offset + 1 });
          if (entry.reset === undefined) at = entry;
        }
        const { epoch, top } = broker.log(channel);
        expect(delivered).toMatchObject({ epoch, offset: top });
      }
    }),
    { numRuns: 1_000 },
  );
}, 60_000);

test("as long as a link that is up loses nothing, seqs only grow on their way out", async () => {
  const kind = step.filter(({ act }) => act !== "lose");
  await fc.assert(
    fc.asyncProperty(fc.array(kind, { maxLength: 60, size: "max" }), async (steps) => {
      const { log } = await run(steps);
      const seqs = log.filter(({ reset }) => reset === undefined).map(({ seq }) => seq);
      expect(seqs).toEqual([...seqs].sort((a, b) => a - b));
      expect(new Set(seqs).size).toBe(seqs.length);
    }),
    { numRuns: 1_000 },
  );
}, 60_000);

test("without loss of the log nobody is ever told to reload", async () => {
  const kind = step.filter(({ act }) => !["trim", "forget", "rollBack"].includes(act));
  await fc.assert(
    fc.asyncProperty(fc.array(kind, { maxLength: 60, size: "max" }), async (steps) => {
      const { log, broker } = await run(steps);
      expect(log.filter(({ reset }) => reset !== undefined)).toEqual([]);
      for (const [channel, { entries }] of broker.logs) {
        expect(log.filter((entry) => entry.channel === channel).map(({ offset }) => offset)).toEqual(
          entries.map(({ offset }) => offset),
        );
      }
    }),
    { numRuns: 1_000 },
  );
}, 60_000);

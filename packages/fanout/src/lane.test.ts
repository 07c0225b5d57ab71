import { type Channel, type Clock, channelName, type Draft, defaultEvent, type Publication, type Seq } from "@fanfare/domain";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { ChannelState } from "./channel-state.ts";
import { itemOfPublication } from "./item.ts";
import { Lane, type LaneParts } from "./lane.ts";
import { LogReader } from "./log-reader.ts";

/*
 * A model of the broker (logs that grow, are trimmed, lost or rolled back) and of the link to it (which loses, repeats and
 * interrupts), driven through arbitrary interleavings against the real lane.
 */

const names = ["a", "b", "c"].map(channelName);
const retention = { count: 1_000, seconds: 600 };

class ModelBroker {
  readonly logs = new Map<Channel, { epoch: number; top: number; seq: Seq; first: number; entries: Publication[] }>();
  seq = 0;
  epochs = 0;
  away = false;

  log(channel: Channel) {
    const log = this.logs.get(channel) ?? { epoch: ++this.epochs, top: 0, seq: 0, first: 1, entries: [] };
    this.logs.set(channel, log);
    return log;
  }

  publish(channel: Channel): Publication {
    const log = this.log(channel);
    const draft: Draft = { channel, event: defaultEvent, payload: { json: "0", binary: false } };
    const publication = { ...draft, epoch: `e${log.epoch}`, offset: log.top + 1, seq: ++this.seq, previous: log.seq };
    log.top = publication.offset;
    log.seq = publication.seq;
    log.entries.push(publication);
    return publication;
  }

  trim(channel: Channel) {
    const log = this.log(channel);
    log.entries = log.entries.slice(Math.ceil(log.entries.length / 2));
    log.first = log.top + 1 - log.entries.length;
  }

  forget(channel: Channel) {
    this.logs.delete(channel);
  }

  /** What a failover to a lagging replica does. */
  rollBack(channel: Channel) {
    const log = this.log(channel);
    log.entries.pop();
    log.top = Math.max(log.first - 1, log.top - 1);
    log.seq = log.entries.at(-1)?.seq ?? 0;
  }

  readonly port: LaneParts["broker"] = {
    partitions: 1,
    frontier: () => this.#answer(() => this.seq),
    open: (channels) => this.#answer(() => channels.map((channel) => ({ channel, ...this.#top(channel) }))),
    read: (channel, range) =>
      this.#answer(() => {
        const { first, entries } = this.log(channel);
        const after = range.from === "after" ? range.offset : 0;
        return {
          top: this.#top(channel),
          first,
          publications: entries.filter(({ offset }) => offset > after).slice(0, range.limit),
        };
      }),
    renew: (channel, epoch) =>
      this.#answer(() => {
        if (this.#top(channel).epoch === epoch) this.forget(channel);
        return { channel, ...this.#top(channel) };
      }),
    publish: () => Promise.reject(new Error("not asked by a lane")),
    describe: () => Promise.reject(new Error("not asked by a lane")),
    purge: () => Promise.reject(new Error("not asked by a lane")),
    ping: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };

  #top(channel: Channel) {
    const { epoch, top, seq } = this.log(channel);
    return { epoch: `e${epoch}`, offset: top, seq };
  }

  async #answer<Value>(value: () => Value): Promise<Value> {
    await Promise.resolve();
    if (this.away) throw new Error("away");
    return value();
  }
}

const clock: Clock = {
  now: () => 0,
  monotonic: () => 0,
  after(_, task) {
    const timer = setImmediate(task);
    return () => clearImmediate(timer);
  },
};

class Subject {
  readonly broker = new ModelBroker();
  readonly heard: Publication[][] = [];
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
      broker: this.broker.port,
      reader: new LogReader(this.broker.port, () => retention),
      clock,
      observer: { announcement() {}, delivered() {}, replayed() {}, repaired() {}, reset() {} },
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
      opened: Promise.resolve(),
      delivered: undefined,
      early: [],
      captures: new Set(),
      holds: 1,
      dropped: false,
      heard: false,
    };
    this.states.push(state);
    this.lane.opened(state, { epoch: `e${epoch}`, offset, seq });
  }

  publish(channel: Channel) {
    const publication = this.broker.publish(channel);
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
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
    this.flush();
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
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
    else if (act === "turn") await new Promise((resolve) => setImmediate(resolve));
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
        expect(delivered).toMatchObject({ epoch: `e${epoch}`, offset: top });
      }
    }),
    { numRuns: 1_000 },
  );
});

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
});

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
});

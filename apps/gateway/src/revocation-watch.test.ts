import { anonymous, type Identity } from "@fanfare/access";
import { MemoryRevocations } from "@fanfare/broker";
import { type Clock, FanfareError, type Revocation, type RevocationState, type Revocations } from "@fanfare/domain";
import { createLog } from "@fanfare/telemetry";
import { expect, test } from "vitest";
import { compareWhenTold, RevocationWatch } from "./revocation-watch.ts";

/** A clock that a test sets; what waits on it is run by {@link Time.pass}. */
class Time implements Clock {
  #now = 1_000_000;
  #waiting: { at: number; task: () => void }[] = [];
  now = () => this.#now;
  monotonic = () => this.#now;
  after(ms: number, task: () => void) {
    const entry = { at: this.#now + ms, task };
    this.#waiting.push(entry);
    return () => {
      this.#waiting = this.#waiting.filter((one) => one !== entry);
    };
  }
  async pass(ms: number) {
    this.#now += ms;
    const due = this.#waiting.filter(({ at }) => at <= this.#now);
    this.#waiting = this.#waiting.filter(({ at }) => at > this.#now);
    for (const { task } of due) task();
    for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
  }
}

/** The list of a broker that can be away, and can lose everything. */
class Fickle implements Revocations {
  #list: MemoryRevocations;
  #life = 1;
  away = false;
  readonly #time: Time;
  constructor(time: Time) {
    this.#time = time;
    this.#list = new MemoryRevocations(time);
  }
  loseAll() {
    this.#life++;
    this.#list = new MemoryRevocations(this.#time);
  }
  async add(revocation: Revocation) {
    return this.#there().add(revocation);
  }
  async remove(id: string) {
    return this.#there().remove(id);
  }
  async changedSince(version: string): Promise<RevocationState | undefined> {
    const state = await this.#there().changedSince(version.startsWith(`${this.#life} `) ? version.slice(2) : "never");
    return state && { ...state, version: `${this.#life} ${state.version}`, life: state.life && `${this.#life}` };
  }
  #there() {
    if (this.away) throw new FanfareError("BROKER_UNAVAILABLE");
    return this.#list;
  }
}

const ada: Identity = { ...anonymous, user: "ada", issuedAt: 1, expiresAt: 9e12 };
const ofAda: Revocation = { id: "1", user: "ada", at: 1, endsAt: 2_000_000 };

async function watching() {
  const time = new Time();
  const list = new Fickle(time);
  const watch = new RevocationWatch({ revocations: list, clock: time, log: createLog({ name: "test", level: "silent" }) });
  const told: string[] = [];
  watch.onAdded((added) => told.push(...added.map(({ id }) => id)));
  await time.pass(0);
  return { time, list, watch, told };
}

test("a new revocation is known within a second, or at once when somebody says so", async () => {
  const { time, list, watch, told } = await watching();
  await list.add(ofAda);
  expect(watch.find(ada)).toBeUndefined();
  await time.pass(1_000);
  expect(watch.find(ada)).toEqual(ofAda);
  expect(() => watch.refuse(ada)).toThrow(expect.objectContaining({ code: "TOKEN_REVOKED" }));
  expect(() => watch.refuse(anonymous)).not.toThrow();
  await list.add({ ...ofAda, id: "2" });
  for (const message of ["", "{", "null", "7", '{"compare":"x"}', '{"compare":"revocations"}']) {
    compareWhenTold(Buffer.from(message), watch);
  }
  await time.pass(0);
  expect(told).toEqual(["1", "2"]);
});

test("what was known stays known while the broker is away, until it ends", async () => {
  const { time, list, watch } = await watching();
  await list.add(ofAda);
  await time.pass(1_000);
  list.away = true;
  await time.pass(60_000);
  expect(watch.find(ada)).toEqual(ofAda);
  list.away = false;
  await list.remove("1");
  await time.pass(1_000);
  expect(watch.find(ada)).toBeUndefined();
});

test("a node that has never seen the list lets nobody in by a token, and everybody without one", async () => {
  const time = new Time();
  const list = new Fickle(time);
  list.away = true;
  const watch = new RevocationWatch({ revocations: list, clock: time, log: createLog({ name: "test", level: "silent" }) });
  await time.pass(5_000);
  expect(() => watch.refuse(ada)).toThrow(expect.objectContaining({ code: "BROKER_UNAVAILABLE" }));
  expect(() => watch.refuse(anonymous)).not.toThrow();
  list.away = false;
  await time.pass(1_000);
  expect(() => watch.refuse(ada)).not.toThrow();
});

test("a broker that has lost the list gets it back, without what has ended, and removals work afterwards", async () => {
  const { time, list, watch, told } = await watching();
  await list.add(ofAda);
  await list.add({ ...ofAda, id: "brief", endsAt: 1_001_500 });
  await time.pass(1_000);
  list.loseAll();
  await time.pass(1_000);
  expect((await list.changedSince("never"))?.items).toEqual([ofAda]);
  expect(watch.find(ada)).toEqual(ofAda);
  expect(told.sort()).toEqual(["1", "brief"]);
  await list.remove("1");
  await time.pass(1_000);
  expect(watch.find(ada)).toBeUndefined();
  expect((await list.changedSince("never"))?.items).toEqual([]);
});

test("a list that was lost while somebody made a new one has both in the end", async () => {
  const { time, list, watch } = await watching();
  await list.add(ofAda);
  await time.pass(1_000);
  list.loseAll();
  await list.add({ ...ofAda, id: "2", user: "eve" });
  await time.pass(1_000);
  expect((await list.changedSince("never"))?.items.map(({ id }) => id).sort()).toEqual(["1", "2"]);
  expect(watch.find({ ...ada, user: "eve" })).toBeDefined();
});

test("a revocation that has ended is no longer gone by, although nobody has taken it out", async () => {
  const { time, list, watch } = await watching();
  await list.add({ ...ofAda, endsAt: 1_001_500 });
  await time.pass(1_000);
  expect(watch.size).toBe(1);
  await time.pass(1_000);
  await list.add({ ...ofAda, id: "2", user: "eve" });
  await time.pass(1_000);
  expect(watch.find(ada)).toBeUndefined();
});

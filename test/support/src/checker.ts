import { isDeepStrictEqual } from "node:util";
import type { Acked, Entry, Fresh, Heard, Reset } from "./history.ts";

/** Something that must not happen. */
export interface Flaw {
  readonly subscriber: string;
  readonly channel: string;
  /** `epoch:offset` */
  readonly position: string;
  readonly why: string;
}

/** A subscriber's record, with the channels it was subscribed to. */
export interface Judged {
  readonly name: string;
  readonly channels: readonly string[];
  readonly history: readonly Entry[];
  /** Where it stood when it subscribed; absent: before everything that was published. */
  readonly from?: Readonly<Record<string, { readonly epoch: string; readonly offset: number }>>;
}

export interface Verdict {
  /** Answered 2xx, and not heard by a subscriber that was not told to reload either. */
  readonly lost: readonly Flaw[];
  readonly doubled: readonly Flaw[];
  /** Heard behind what comes later in the log, or in a new epoch without a reset. */
  readonly disordered: readonly Flaw[];
  /** Heard with other content than was published, or never published at all. */
  readonly wrong: readonly Flaw[];
  /** Not heard, by subscribers that were told. */
  readonly excused: number;
  readonly resets: number;
  /** Reconnections that did not recover their session. */
  readonly fresh: number;
}

type Flaws = { readonly [Kind in "lost" | "doubled" | "disordered" | "wrong"]: Flaw[] };

/**
 * Judges what subscribers heard against what publishers were answered: each publication that was answered 2xx exactly once,
 * in the order of offsets. A `fanfare:reset`, and a connection that was not recovered, excuse what was published before
 * and comes neither before nor after; from the first publication heard behind them on everything is due again.
 */
export function judge(acked: readonly Acked[], subscribers: readonly Judged[]): Verdict {
  const byChannel = new Map<string, Acked[]>();
  for (const one of acked) {
    const ofChannel = byChannel.get(one.channel);
    if (ofChannel === undefined) byChannel.set(one.channel, [one]);
    else ofChannel.push(one);
  }
  const flaws: Flaws = { lost: [], doubled: [], disordered: [], wrong: [] };
  let excused = 0;
  for (const subscriber of subscribers) {
    for (const channel of subscriber.channels) excused += judgeOne(subscriber, channel, byChannel.get(channel) ?? [], flaws);
  }
  const all = subscribers.flatMap(({ history }) => history);
  const count = (kind: Entry["kind"]): number => all.filter((entry) => entry.kind === kind).length;
  return { ...flaws, excused, resets: count("reset"), fresh: count("fresh") };
}

/** Answers how many publications the subscriber missed knowingly. */
function judgeOne({ name, history, from = {} }: Judged, channel: string, acked: readonly Acked[], flaws: Flaws): number {
  const entries = history.filter((entry) => entry.kind === "fresh" || entry.channel === channel);
  const flaw = (kind: keyof Flaws, at: Place, why: string): void =>
    void flaws[kind].push({ subscriber: name, channel, position: key(at), why });

  const seen = judgeOrder(entries, flaw);
  const byPosition = positionsOf(acked);
  judgeContent(entries, acked, byPosition, flaw);

  const excuses = excusesIn(entries);
  const start = from[channel];
  let excused = 0;
  for (const one of acked) {
    const isBefore = start !== undefined && one.epoch === start.epoch && one.offset <= start.offset;
    const issuedTwice = (byPosition.get(key(one)) ?? []).length > 1;
    if (isBefore || (issuedTwice ? entries.some((entry) => isHearing(entry, one)) : seen.has(key(one)))) continue;
    // Of what stands at one place only one can be heard, and nobody can know which: being told afterwards is what is due.
    const isExcused = issuedTwice
      ? excuses.some(({ atMs }) => atMs > one.sentAtMs)
      : excuses.some((excuse) => covers(excuse, one));
    if (isExcused) excused++;
    else flaw("lost", one, `answered 2xx at try ${one.tries}, never heard`);
  }
  return excused;
}

type Place = Pick<Heard, "epoch" | "offset">;
type Report = (kind: keyof Flaws, at: Place, why: string) => void;

/** Doubles and disorder. Answers the positions heard. */
function judgeOrder(entries: readonly Entry[], flaw: Report): Set<string> {
  const seen = new Set<string>();
  const ids = new Set<string>();
  const epochs = new Set<string>();
  let last: Place | undefined;
  let told = false;
  for (const entry of entries) {
    if (entry.kind !== "heard") {
      told = true;
      continue;
    }
    const idHere = entry.id === undefined ? undefined : `${entry.epoch} ${entry.id}`;
    if (seen.has(key(entry))) {
      flaw("doubled", entry, "heard again");
      continue;
    }
    if (idHere !== undefined && ids.has(idHere)) flaw("doubled", entry, `id ${entry.id} stands at two places of the log`);
    if (last !== undefined && entry.epoch === last.epoch && entry.offset < last.offset) {
      flaw("disordered", entry, `heard after ${key(last)}`);
    } else if (last !== undefined && entry.epoch !== last.epoch && (!told || epochs.has(entry.epoch))) {
      flaw("disordered", entry, `heard after ${key(last)} without a reset in between`);
    }
    seen.add(key(entry));
    if (idHere !== undefined) ids.add(idHere);
    epochs.add(entry.epoch);
    if (last?.epoch !== entry.epoch || entry.offset > last.offset) last = entry;
    told = false;
  }
  return seen;
}

/** After a failover to a replica that lags behind, offsets may be issued again before a node notices and begins a new epoch. */
function positionsOf(acked: readonly Acked[]): ReadonlyMap<string, readonly Acked[]> {
  const byPosition = new Map<string, Acked[]>();
  for (const one of acked) byPosition.set(key(one), [...(byPosition.get(key(one)) ?? []), one]);
  return byPosition;
}

function isHearing(entry: Entry, one: Acked): boolean {
  return entry.kind === "heard" && key(entry) === key(one) && entry.id === one.id && isDeepStrictEqual(entry.data, one.data);
}

function judgeContent(
  entries: readonly Entry[],
  acked: readonly Acked[],
  byPosition: ReadonlyMap<string, readonly Acked[]>,
  flaw: Report,
): void {
  // A publication whose answer was lost together with its log is stored a second time, in the new epoch.
  const ids = new Set(acked.flatMap(({ id }) => id ?? []));
  for (const entry of entries) {
    if (entry.kind !== "heard") continue;
    const published = byPosition.get(key(entry)) ?? [];
    if (published.length === 0) {
      if (entry.id === undefined || !ids.has(entry.id)) flaw("wrong", entry, "nobody published it");
    } else if (!published.some((one) => isHearing(entry, one))) {
      const data = published.map((one) => JSON.stringify(one.data)).join(" and ");
      flaw("wrong", entry, `published ${data}, heard ${JSON.stringify(entry.data)}`);
    }
  }
}

/** What a subscriber was told, with what it heard around it. */
interface Excuse {
  readonly atMs: number;
  /** The highest offset of each epoch heard before, and the lowest heard after. */
  readonly before: ReadonlyMap<string, number>;
  readonly after: ReadonlyMap<string, number>;
}

function excusesIn(entries: readonly Entry[]): Excuse[] {
  return entries.flatMap((entry, index) => {
    if (entry.kind === "heard") return [];
    const { atMs }: Reset | Fresh = entry;
    return { atMs, before: edges(entries.slice(0, index), Math.max), after: edges(entries.slice(index + 1), Math.min) };
  });
}

function edges(entries: readonly Entry[], choose: (one: number, other: number) => number): Map<string, number> {
  const found = new Map<string, number>();
  for (const entry of entries) {
    if (entry.kind === "heard") found.set(entry.epoch, choose(found.get(entry.epoch) ?? entry.offset, entry.offset));
  }
  return found;
}

function covers({ atMs, before, after }: Excuse, { epoch, offset, sentAtMs }: Acked): boolean {
  return sentAtMs < atMs && offset > (before.get(epoch) ?? 0) && offset < (after.get(epoch) ?? Number.POSITIVE_INFINITY);
}

function key({ epoch, offset }: Place): string {
  return `${epoch}:${offset}`;
}

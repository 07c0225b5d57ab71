import {
  type Channel,
  type Clock,
  type LeaveReason,
  type Presence,
  type PresenceChange,
  type PresenceMember,
  partitionOf,
} from "@fanfare/domain";
import type { Log, Metrics } from "@fanfare/telemetry";
import { Owners } from "./presence-owners.ts";

/** How long changes are collected. */
const collectMs = 200;
const retryMs = 1_000;
/** Changes of one step, and steps under way at a time: the broker is never busy with one for more than a millisecond or two. */
const stepMax = 200;
const stepsAtOnce = 64;
/** Between two looks at those whose time to come back is over. */
const lookMs = 250;

export interface RosterParts {
  readonly presence: Presence;
  readonly node: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Pick<Metrics, "presenceChanges" | "presenceSwept">;
  readonly graceMs: number;
  readonly membersMax: number;
}

interface Here {
  readonly member: PresenceMember;
  readonly turn: number;
}

interface Away {
  readonly channel: Channel;
  readonly id: string;
  readonly turn: number;
  readonly dueMs: number;
}

/**
 * Which of this node's sessions are in which channels, and keeps the broker up with it. Changes are collected for a moment and
 * written in steps; only the last word about a session counts, so whatever happens in between costs nothing.
 */
export class Roster {
  readonly #parts: RosterParts;
  readonly #owners: Owners;
  readonly #here = new Map<Channel, Map<string, Here>>();
  #changes = new Map<Channel, Map<string, PresenceChange>>();
  /** Whose connection is lost, in the order in which their time is over. */
  readonly #away = new Map<string, Away>();
  #writing: Promise<void> = Promise.resolve();
  #scheduled: (() => void) | undefined;
  #looking: (() => void) | undefined;

  constructor(parts: RosterParts) {
    this.#parts = parts;
    this.#owners = new Owners({ ...parts, began: (partition) => this.#sayAgain(partition) });
  }

  has(channel: Channel, id: string): boolean {
    return this.#here.get(channel)?.has(id) ?? false;
  }

  /** The session is in the channel. Again: on another connection, or with another user or info. */
  join(channel: Channel, member: PresenceMember, turn: number): void {
    const crowd = this.#here.get(channel) ?? new Map<string, Here>();
    this.#here.set(channel, crowd);
    const { since } = crowd.get(member.id)?.member ?? member;
    const here = { member: { ...member, since }, turn };
    crowd.set(member.id, here);
    this.#away.delete(awayKey(channel, member.id));
    this.#change(channel, member.id, { kind: "join", ...here });
  }

  /** The session is there no longer and will not come back. */
  leave(channel: Channel, id: string, reason: LeaveReason): void {
    const crowd = this.#here.get(channel);
    const here = crowd?.get(id);
    if (crowd === undefined || here === undefined) return;
    crowd.delete(id);
    if (crowd.size === 0) this.#here.delete(channel);
    this.#away.delete(awayKey(channel, id));
    this.#change(channel, id, { kind: "leave", turn: here.turn, id, reason });
  }

  /** The session's connection is lost. Unless it is back in time, here or elsewhere, it leaves. */
  lose(channel: Channel, id: string): void {
    const here = this.#here.get(channel)?.get(id);
    if (here === undefined) return;
    const { clock, graceMs } = this.#parts;
    if (graceMs === 0) {
      this.leave(channel, id, "disconnected");
      return;
    }
    const key = awayKey(channel, id);
    this.#away.delete(key);
    this.#away.set(key, { channel, id, turn: here.turn, dueMs: clock.monotonic() + graceMs });
    this.#looking ??= clock.after(lookMs, () => this.#look());
  }

  /** Resolves when everything is written that was said of the channel before. Rejects with `BROKER_UNAVAILABLE`. */
  async written(channel: Channel): Promise<void> {
    // Also what was taken up to be written and may be put back.
    await this.#writing;
    if (this.#changes.has(channel)) await this.#write(channel);
  }

  /** Writes what is left and gives the rest to whoever its clients come back to. Never rejects. */
  async close(): Promise<void> {
    this.#scheduled?.();
    this.#looking?.();
    await this.#writing;
    await Promise.allSettled([...this.#changes.keys()].map((channel) => this.#write(channel)));
    this.#scheduled?.();
    await this.#owners.retire(this.#parts.graceMs);
  }

  #change(channel: Channel, id: string, change: PresenceChange): void {
    const changes = this.#changes.get(channel) ?? new Map<string, PresenceChange>();
    this.#changes.set(channel, changes.set(id, change));
    this.#schedule(collectMs);
  }

  #schedule(ms: number): void {
    this.#scheduled ??= this.#parts.clock.after(ms, () => {
      this.#scheduled = undefined;
      this.#writing = this.#writing.then(() => this.#writeAll());
    });
  }

  async #writeAll(): Promise<void> {
    const channels = [...this.#changes.keys()];
    for (let at = 0; at < channels.length; at += stepsAtOnce) {
      const steps = channels.slice(at, at + stepsAtOnce).map((channel) => this.#write(channel));
      await Promise.allSettled(steps);
    }
    if (this.#changes.size > 0) this.#schedule(retryMs);
  }

  /** Rejects with `BROKER_UNAVAILABLE`; what could not be written is kept. */
  async #write(channel: Channel): Promise<void> {
    const { presence, metrics, membersMax } = this.#parts;
    const partition = partitionOf(channel, presence.partitions);
    const owner = this.#owners.nameIn(partition);
    // Everything is said when the owner begins.
    if (owner === undefined) return;
    const changes = [...(this.#changes.get(channel)?.values() ?? [])];
    this.#changes.delete(channel);
    for (let at = 0; at < changes.length; at += stepMax) {
      const step = changes.slice(at, at + stepMax);
      const count = (outcome: string): void => {
        const joins = step.filter(({ kind }) => kind === "join").length;
        metrics.presenceChanges.inc({ kind: "join", outcome }, joins);
        metrics.presenceChanges.inc({ kind: "leave", outcome }, step.length - joins);
      };
      const stays = this.#here.has(channel);
      const applied = await presence.apply(owner, channel, step, { stays, membersMax }).catch((thrown: unknown) => {
        count("failed");
        this.#putBack(channel, changes.slice(at));
        throw thrown;
      });
      if (applied === "fenced") {
        this.#putBack(channel, changes.slice(at));
        this.#owners.fenced(partition, owner);
        return;
      }
      count("applied");
      this.#owners.confirmed(partition, owner, applied.steps);
      for (const [id, since] of applied.since) this.#correct(channel, id, since);
    }
  }

  /** What has been said since is newer, whether it waits or is written already. */
  #putBack(channel: Channel, changes: readonly PresenceChange[]): void {
    const newer = this.#changes.get(channel) ?? new Map<string, PresenceChange>();
    const crowd = this.#here.get(channel);
    for (const change of changes) {
      const id = change.kind === "join" ? change.member.id : change.id;
      const holds = change.kind === "join" ? crowd?.get(id)?.turn === change.turn : !crowd?.has(id);
      if (holds && !newer.has(id)) newer.set(id, change);
    }
    this.#changes.set(channel, newer);
    this.#schedule(retryMs);
  }

  /** A session that came from another node was in the channel before. */
  #correct(channel: Channel, id: string, since: number): void {
    const crowd = this.#here.get(channel);
    const here = crowd?.get(id);
    if (here !== undefined && here.member.since !== since) crowd?.set(id, { ...here, member: { ...here.member, since } });
  }

  #sayAgain(partition: number): void {
    for (const [channel, crowd] of this.#here) {
      if (partitionOf(channel, this.#parts.presence.partitions) !== partition) continue;
      const changes = this.#changes.get(channel) ?? new Map<string, PresenceChange>();
      for (const [id, here] of crowd) changes.set(id, { kind: "join", ...here });
      this.#changes.set(channel, changes);
    }
    if (this.#changes.size > 0) this.#schedule(0);
  }

  #look(): void {
    this.#looking = undefined;
    const now = this.#parts.clock.monotonic();
    for (const [key, { channel, id, turn, dueMs }] of this.#away) {
      if (dueMs > now) break;
      this.#away.delete(key);
      if (this.#here.get(channel)?.get(id)?.turn === turn) this.leave(channel, id, "disconnected");
    }
    if (this.#away.size > 0) this.#looking = this.#parts.clock.after(lookMs, () => this.#look());
  }
}

/** Neither a channel nor a session id has a blank. */
function awayKey(channel: Channel, id: string): string {
  return `${channel} ${id}`;
}

import {
  type ApplyOptions,
  type Beat,
  type Channel,
  type Clock,
  type LeaveReason,
  type LostOwner,
  type Presence,
  type PresenceApplied,
  type PresenceChange,
  type PresenceLeft,
  type PresenceMember,
  type PresenceState,
  type PubSub,
  presenceDeltaText,
  roomOf,
  systemClock,
  topicOfPresence,
} from "@fanfare/domain";
import { byId, claimMs, emptyLifeMs, openText } from "./presence-terms.ts";

interface Entry {
  readonly owner: string;
  readonly turn: number;
  readonly member: PresenceMember;
}

interface Crowd {
  readonly life: number;
  version: number;
  readonly members: Map<string, Entry>;
  readonly users: Map<string, number>;
  /** By the monotonic clock; undefined while there are members. */
  emptySinceMs: number | undefined;
}

interface Owner {
  endsAtMs: number;
  state: "alive" | LeaveReason;
  steps: number;
}

export interface MemoryPresenceOptions {
  readonly cluster: string;
  /** Where deltas are announced. */
  readonly pubSub: Pick<PubSub, "publish">;
  readonly clock?: Clock;
}

/** {@link Presence} within one process. */
export class MemoryPresence implements Presence {
  readonly partitions = 1;
  readonly #cluster: string;
  readonly #pubSub: Pick<PubSub, "publish">;
  readonly #clock: Clock;
  readonly #crowds = new Map<Channel, Crowd>();
  readonly #owners = new Map<string, Owner>();
  #lastBeatMs: number;

  constructor({ cluster, pubSub, clock = systemClock }: MemoryPresenceOptions) {
    this.#cluster = cluster;
    this.#pubSub = pubSub;
    this.#clock = clock;
    this.#lastBeatMs = clock.monotonic();
  }

  async apply(
    owner: string,
    channel: Channel,
    changes: readonly PresenceChange[],
    { membersMax }: ApplyOptions,
  ): Promise<PresenceApplied | "fenced"> {
    const lease = this.#owners.get(owner);
    if (lease?.state !== "alive") return "fenced";
    lease.steps++;
    const crowd = this.#crowds.get(channel) ?? this.#newCrowd();
    const joined: PresenceMember[] = [];
    const left: PresenceLeft[] = [];
    const since = new Map<string, number>();
    for (const change of changes) {
      const id = change.kind === "join" ? change.member.id : change.id;
      const found = crowd.members.get(id);
      if (change.kind === "leave") {
        if (found === undefined || found.owner !== owner || found.turn > change.turn) continue;
        remove(crowd, found.member);
        left.push({ ...found.member, reason: change.reason });
      } else if (found === undefined || found.turn <= change.turn) {
        const { id, user, info } = change.member;
        const member = { id, user, info: info ?? null, since: found?.member.since ?? change.member.since };
        if (found !== undefined) remove(crowd, found.member);
        crowd.members.set(id, { owner, turn: change.turn, member });
        count(crowd, user, 1);
        since.set(id, member.since);
        if (found === undefined || openText(found.member) !== openText(member)) joined.push(member);
      }
    }
    if (joined.length + left.length > 0) await this.#announce(channel, crowd, joined, left, membersMax);
    return { version: this.#crowds.get(channel)?.version ?? 0, steps: lease.steps, since };
  }

  async beat(_partition: number, owner: string, leaseMs: number): Promise<Beat> {
    const now = this.#clock.monotonic();
    const pause = now - this.#lastBeatMs > leaseMs / 2;
    this.#lastBeatMs = now;
    const lost: LostOwner[] = [];
    for (const [name, other] of this.#owners) {
      if (name === owner) continue;
      if (pause) other.endsAtMs = Math.max(other.endsAtMs, now + leaseMs);
      else if (other.endsAtMs < now) {
        if (other.state === "alive") other.state = "node_lost";
        other.endsAtMs = now + claimMs;
        lost.push({ owner: name, reason: other.state });
      }
    }
    const mine = this.#owners.get(owner);
    if (mine === undefined) this.#owners.set(owner, { endsAtMs: now + leaseMs, state: "alive", steps: 0 });
    else if (mine.state === "alive") mine.endsAtMs = now + leaseMs;
    return { known: mine?.state === "alive", steps: mine?.steps ?? 0, lost };
  }

  async retire(_partition: number, owner: string, reason: LeaveReason, afterMs: number): Promise<void> {
    const mine = this.#owners.get(owner);
    if (mine?.state !== "alive") return;
    mine.state = reason;
    mine.endsAtMs = this.#clock.monotonic() + afterMs;
  }

  async sweep(_partition: number, { owner, reason }: LostOwner, membersMax: number): Promise<number> {
    if (this.#owners.get(owner)?.state === "alive") return 0;
    let total = 0;
    for (const [channel, crowd] of this.#crowds) {
      const left: PresenceLeft[] = [];
      for (const entry of [...crowd.members.values()]) {
        if (entry.owner !== owner) continue;
        remove(crowd, entry.member);
        left.push({ ...entry.member, reason });
      }
      if (left.length > 0) await this.#announce(channel, crowd, [], left, membersMax);
      total += left.length;
    }
    this.#owners.delete(owner);
    return total;
  }

  async read(channel: Channel, membersMax: number): Promise<PresenceState> {
    const crowd = this.#crowds.get(channel);
    if (crowd === undefined) return { life: 0, version: 0, clients: 0, users: 0, members: [] };
    const { life, version, members, users } = crowd;
    const listed = members.size <= membersMax ? [...members.values()].map(({ member }) => member) : undefined;
    return { life, version, clients: members.size, users: users.size, members: listed };
  }

  async members(channel: Channel): Promise<readonly PresenceMember[]> {
    return [...(this.#crowds.get(channel)?.members.values() ?? [])].map(({ member }) => member).sort(byId);
  }

  async versions(channels: readonly Channel[]): Promise<number[]> {
    return channels.map((channel) => this.#crowds.get(channel)?.version ?? 0);
  }

  async #announce(
    channel: Channel,
    crowd: Crowd,
    joined: readonly PresenceMember[],
    left: readonly PresenceLeft[],
    membersMax: number,
  ): Promise<void> {
    const previous = this.#crowds.has(channel) ? crowd.version : 0;
    this.#crowds.set(channel, crowd);
    crowd.version = Math.max(this.#clock.now() * 1_000, crowd.version + 1, crowd.life);
    const { life, version, members, users } = crowd;
    crowd.emptySinceMs = members.size === 0 ? this.#clock.monotonic() : undefined;
    const lists = members.size <= membersMax ? { joined, left } : { joined: undefined, left: undefined };
    const text = presenceDeltaText({ life, previous, version, clients: members.size, users: users.size, ...lists });
    await this.#pubSub.publish(topicOfPresence(this.#cluster, roomOf(channel, 0)), Buffer.from(text));
  }

  #newCrowd(): Crowd {
    const now = this.#clock.monotonic();
    for (const [channel, { emptySinceMs }] of this.#crowds) {
      if (emptySinceMs !== undefined && now - emptySinceMs > emptyLifeMs) this.#crowds.delete(channel);
    }
    return { life: this.#clock.now() * 1_000, version: 0, members: new Map(), users: new Map(), emptySinceMs: now };
  }
}

function remove(crowd: Crowd, { id, user }: PresenceMember): void {
  crowd.members.delete(id);
  count(crowd, user, -1);
}

function count({ users }: Crowd, user: string | null, by: 1 | -1): void {
  if (user === null) return;
  const sessions = (users.get(user) ?? 0) + by;
  if (sessions > 0) users.set(user, sessions);
  else users.delete(user);
}

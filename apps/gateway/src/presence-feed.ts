import type { PresenceDelta, PresenceLeft, PresenceMember, PresenceNotice, PresenceState } from "@fanfare/domain";

/**
 * What a feed thinks of what it was given. `doubt`: something is missing, compare with the broker. `settle`: the broker has lost its
 * members and the nodes are saying theirs again; compare when they have had the time.
 */
export type Verdict = "sure" | "doubt" | "settle";

type Changed = { readonly joined: PresenceMember } | { readonly left: PresenceLeft };

/** A channel that was too large is told one by one again when it has shrunk to this share, so that it does not go to and fro. */
const smallAgainShare = 0.8;

/**
 * One channel's members as this node's subscribers have been told of them, and what they are to be told next. It has no I/O.
 *
 * A change is told by the last state of each member and never cancelled out: who came and left between two notices is named
 * as left, because somebody may have asked in between and seen it.
 */
export class PresenceFeed {
  readonly channel: string;
  readonly #membersMax: number;
  #life = 0;
  #version = 0;
  #clients = 0;
  #users = 0;
  /** Undefined while there are too many. */
  #members: Map<string, PresenceMember> | undefined = new Map();
  #loaded = false;
  /** What was heard while the broker is being read. */
  #held: PresenceDelta[] | undefined = [];
  readonly #changed = new Map<string, Changed>();
  #countsChanged = false;
  #reload = false;
  /** Whom somebody was shown in an answer that is ahead of this feed. Should it never hear of them, it still says that they left. */
  readonly #shown = new Map<string, PresenceMember>();
  #shownVersion = 0;
  /** Since the last comparison something was missing. */
  #doubtful = false;

  constructor(channel: string, membersMax: number) {
    this.channel = channel;
    this.#membersMax = membersMax;
  }

  get version(): number {
    return this.#version;
  }

  get loaded(): boolean {
    return this.#loaded;
  }

  get countsOnly(): boolean {
    return this.#members === undefined;
  }

  /** Whether there is anything to tell. Not while something is missing: what were told then could not be put right later. */
  get news(): boolean {
    if (this.#doubtful) return false;
    return this.#changed.size > 0 || this.#countsChanged || this.#reload;
  }

  hear(delta: PresenceDelta): Verdict {
    if (this.#held === undefined) return this.#take(delta);
    this.#held.push(delta);
    return "sure";
  }

  /**
   * Takes note of what is about to be answered to somebody who asked. False when it must not be answered: the broker has lost
   * its members, and who is missing in it would not be told again.
   */
  show({ life, version, members }: PresenceState): boolean {
    if (!this.#loaded) return true;
    if (this.#lifeIsOver(life)) return false;
    // Or its end would go unnoticed.
    this.#life = life;
    if (version <= this.#version && !this.#doubtful) return true;
    if (members === undefined) {
      // Now somebody does not know the members, so nobody is told one by one until it has shrunk.
      this.#countsChanged ||= !this.countsOnly;
      this.#tooMany();
      return true;
    }
    for (const member of members) if (!this.#members?.has(member.id)) this.#shown.set(member.id, member);
    this.#shownVersion = Math.max(this.#shownVersion, version);
    return true;
  }

  /** From here on deltas wait for {@link load} or {@link resume}: what is read may be older than what is heard meanwhile. */
  hold(): void {
    this.#held ??= [];
  }

  /** The reading has failed. */
  resume(): Verdict {
    const held = this.#held ?? [];
    this.#held = undefined;
    return worst(held.map((delta) => this.#take(delta)));
  }

  /** Takes over what the broker says, and notes what subscribers were not told. `settled`: also when it has lost its members. */
  load(state: PresenceState, settled: boolean): Verdict {
    if (this.#loaded && this.#lifeIsOver(state.life) && !settled) {
      this.resume();
      return "settle";
    }
    const changes = this.#loaded && state.version !== this.#version;
    this.#compare(state);
    this.#count(state);
    // To clients this would be the past, so they would not listen.
    if (state.version < Math.max(this.#version, this.#shownVersion)) this.#reload ||= this.#loaded;
    if (state.version >= this.#shownVersion || settled) this.#shown.clear();
    this.#life = state.life;
    this.#version = state.version;
    this.#loaded = true;
    this.#doubtful = false;
    this.#countsChanged ||= changes && this.countsOnly;
    return this.resume();
  }

  /** What subscribers are to be told now; they are then regarded as having been told. */
  next(): PresenceNotice | undefined {
    if (!this.news) return undefined;
    const joined: PresenceMember[] = [];
    const left: PresenceLeft[] = [];
    for (const change of this.#reload ? [] : this.#changed.values()) {
      if ("joined" in change) joined.push(change.joined);
      else left.push(change.left);
    }
    const notice = this.#notice(joined, left, this.#reload);
    this.#changed.clear();
    this.#countsChanged = false;
    this.#reload = false;
    return notice;
  }

  /** For one that comes back and may have missed any number of notices. */
  reloadNotice(): PresenceNotice {
    return this.#notice([], [], true);
  }

  #notice(joined: PresenceMember[], left: PresenceLeft[], reload: boolean): PresenceNotice {
    return {
      channel: this.channel,
      joined,
      left,
      clients: this.#clients,
      users: this.#users,
      version: this.#version,
      ...(this.countsOnly ? { countsOnly: true } : {}),
      ...(reload ? { reload: true } : {}),
    };
  }

  #take(delta: PresenceDelta): Verdict {
    if (delta.life === this.#life && delta.version <= this.#version) return "sure";
    let verdict: Verdict = "sure";
    if (this.#lifeIsOver(delta.life)) verdict = "settle";
    else if (delta.previous !== this.#version) verdict = "doubt";
    this.#life = delta.life;
    this.#version = delta.version;
    this.#count(delta);
    if (delta.joined === undefined || delta.left === undefined) this.#tooMany();
    else if (this.#members !== undefined) this.#merge(this.#members, delta.joined, delta.left);
    else if (this.#smallAgain(delta.clients)) return worst([verdict, "doubt"]);
    // Also when the counts are the same: somebody may have been shown a list between the last notice and this version.
    this.#countsChanged ||= this.countsOnly;
    this.#doubtful ||= verdict !== "sure";
    if (!this.#doubtful && delta.version >= this.#shownVersion) this.#shown.clear();
    return verdict;
  }

  #merge(members: Map<string, PresenceMember>, joined: readonly PresenceMember[], left: readonly PresenceLeft[]): void {
    for (const gone of left) {
      members.delete(gone.id);
      this.#changed.set(gone.id, { left: gone });
    }
    for (const member of joined) {
      // The broker has lost its members, and this one's node has said it again.
      if (same(members.get(member.id), member)) continue;
      members.set(member.id, member);
      this.#changed.set(member.id, { joined: member });
    }
  }

  #compare({ members, clients }: PresenceState): void {
    if (members === undefined) {
      this.#tooMany();
      return;
    }
    if (this.#members === undefined) {
      if (!this.#smallAgain(clients)) return;
      this.#members = byId(members);
      this.#reload = true;
      return;
    }
    const before = this.#members;
    this.#members = byId(members);
    if (!this.#loaded) return;
    for (const [id, member] of this.#members) if (!same(before.get(id), member)) this.#changed.set(id, { joined: member });
    for (const [id, member] of [...this.#shown, ...before]) {
      // Why it left was said while nobody listened.
      if (!this.#members.has(id)) this.#changed.set(id, { left: { ...member, reason: "disconnected" } });
    }
  }

  #tooMany(): void {
    this.#members = undefined;
    this.#changed.clear();
    this.#reload = false;
  }

  /** A channel that nobody was in has no life yet. */
  #lifeIsOver(life: number): boolean {
    return life !== this.#life && this.#life !== 0;
  }

  #smallAgain(clients: number): boolean {
    return clients <= this.#membersMax * smallAgainShare;
  }

  #count({ clients, users }: Pick<PresenceState, "clients" | "users">): void {
    this.#countsChanged ||= this.#loaded && (clients !== this.#clients || users !== this.#users);
    this.#clients = clients;
    this.#users = users;
  }
}

function byId(members: readonly PresenceMember[]): Map<string, PresenceMember> {
  return new Map(members.map((member) => [member.id, member]));
}

/** Both come from JSON that was made in one place, so equal members are equal texts. */
function same(one: PresenceMember | undefined, other: PresenceMember): boolean {
  return one !== undefined && one.since === other.since && JSON.stringify(one) === JSON.stringify(other);
}

function worst(verdicts: readonly Verdict[]): Verdict {
  return verdicts.includes("settle") ? "settle" : verdicts.includes("doubt") ? "doubt" : "sure";
}

import {
  type ApplyOptions,
  type Beat,
  type Channel,
  type LeaveReason,
  type LostOwner,
  type Presence,
  type PresenceApplied,
  type PresenceChange,
  type PresenceMember,
  type PresenceState,
  partitionOf,
  roomOf,
  topicOfPresence,
} from "@fanfare/domain";
import type { Commands } from "./commands.ts";
import { presenceKey, presenceMembersKey, presenceOwnedKey, presenceOwnersKey, presenceUsersKey } from "./keys.ts";
import { byId, claimMs, emptyLifeMs, openText } from "./presence-terms.ts";
import type { PubSubKind } from "./pub-sub-kind.ts";
import type { RedisPartitions } from "./redis-partition.ts";
import { type Argument, scripts } from "./scripts.ts";
import { isText, isTextOrNull, storedJson } from "./stored-json.ts";

export interface RedisPresenceOptions {
  readonly cluster: string;
  readonly partitions: RedisPartitions;
  /** As for the broker. */
  readonly agreed?: (() => Promise<void>) | undefined;
  readonly kind?: PubSubKind | undefined;
}

/** Members that one step of a sweep or a listing looks at: about a millisecond in which Redis does nothing else. */
const stepMembers = 300;
/** Channels that are swept at the same time. */
const sweepChannels = 50;

/** {@link Presence} on Redis ≥ 6.2 or Valkey. What belongs to a channel is in its partition. */
export class RedisPresence implements Presence {
  readonly partitions: number;
  readonly #cluster: string;
  readonly #partitions: RedisPartitions;
  readonly #agreed: (() => Promise<void>) | undefined;
  readonly #kind: PubSubKind | "";

  constructor({ cluster, partitions, agreed, kind }: RedisPresenceOptions) {
    this.#cluster = cluster;
    this.partitions = partitions.length;
    this.#partitions = partitions;
    this.#agreed = agreed;
    this.#kind = kind ?? "";
  }

  async apply(
    owner: string,
    channel: Channel,
    changes: readonly PresenceChange[],
    { stays, membersMax }: ApplyOptions,
  ): Promise<PresenceApplied | "fenced"> {
    if (this.#agreed !== undefined) await this.#agreed();
    const partition = partitionOf(channel, this.partitions);
    const [version = -1, steps = 0, ...sinces] = (await this.#in(partition).run((client) =>
      scripts["presence-apply"].run(client, {
        keys: { ...this.#keysOf(partition, channel), ...this.#keysOfOwner(partition, owner) },
        args: { owner, name: channel, stays: stays ? "1" : "", membersMax, ...this.#announced(partition, channel) },
        moreArgs: changes.flatMap(changeArguments),
      }),
    )) as number[];
    if (version === -1) return "fenced";
    const joins = changes.flatMap((change) => (change.kind === "join" ? [change.member.id] : []));
    const since = joins.flatMap((id, index): [string, number][] => {
      const ms = sinces[index] ?? -1;
      return ms === -1 ? [] : [[id, ms]];
    });
    return { version, steps, since: new Map(since) };
  }

  beat(partition: number, owner: string, leaseMs: number): Promise<Beat> {
    return this.#beat(partition, owner, leaseMs, "alive");
  }

  async retire(partition: number, owner: string, reason: LeaveReason, afterMs: number): Promise<void> {
    await this.#beat(partition, owner, afterMs, reason);
  }

  async sweep(partition: number, { owner, reason }: LostOwner, membersMax: number): Promise<number> {
    const commands = this.#in(partition);
    const { owned, owners } = this.#keysOfOwner(partition, owner);
    const lease = await commands.run((client) => client.hget(owners, owner));
    if (lease !== null && / alive /.test(lease)) return 0;
    const names = (await commands.run((client) => client.smembers(owned))) as Channel[];
    let count = 0;
    for (let at = 0; at < names.length; at += sweepChannels) {
      const some = names.slice(at, at + sweepChannels);
      const left = await Promise.all(
        some.map((channel) => this.#sweepChannel(partition, channel, { owner, reason }, membersMax)),
      );
      count += left.reduce((sum, one) => sum + one, 0);
    }
    // The owner writes no more, so nothing has come in the meantime.
    await commands.run((client) => client.hdel(owners, owner));
    return count;
  }

  async read(channel: Channel, membersMax: number): Promise<PresenceState> {
    const partition = partitionOf(channel, this.partitions);
    const { meta, members: membersKey, users: usersKey } = this.#keysOf(partition, channel);
    const commands = this.#in(partition);
    const [life, version, clients, users, members] = (await commands.run((client) =>
      scripts["presence-read"].run(client, { keys: { meta, members: membersKey, users: usersKey }, args: { membersMax } }),
    )) as [life: number, version: number, clients: number, users: number, members: string[] | null];
    return { life, version, clients, users, members: members?.flatMap((entry) => decodeMember(entry, commands) ?? []) };
  }

  async members(channel: Channel): Promise<readonly PresenceMember[]> {
    const partition = partitionOf(channel, this.partitions);
    const { members: key } = this.#keysOf(partition, channel);
    const found = new Map<string, PresenceMember>();
    let cursor = "0";
    do {
      const [next, page] = await this.#in(partition).run((client) => client.hscan(key, cursor, "COUNT", stepMembers));
      // Field and value in turn.
      for (let at = 1; at < page.length; at += 2) {
        const member = decodeMember(page[at] ?? "", this.#in(partition));
        if (member !== undefined) found.set(member.id, member);
      }
      cursor = next;
    } while (cursor !== "0");
    return [...found.values()].sort(byId);
  }

  versions(channels: readonly Channel[]): Promise<number[]> {
    return Promise.all(
      channels.map(async (channel) => {
        const partition = partitionOf(channel, this.partitions);
        return Number(
          await this.#in(partition).run((client) => client.hget(presenceKey(this.#cluster, partition, channel), "version")),
        );
      }),
    );
  }

  async #sweepChannel(partition: number, channel: Channel, { owner, reason }: LostOwner, membersMax: number): Promise<number> {
    let count = 0;
    let cursor = "0";
    do {
      const [next, left] = (await this.#in(partition).run((client) =>
        scripts["presence-sweep"].run(client, {
          keys: { ...this.#keysOf(partition, channel), ...this.#keysOfOwner(partition, owner) },
          args: {
            owner,
            name: channel,
            reason,
            membersMax,
            ...this.#announced(partition, channel),
            cursor,
            count: stepMembers,
          },
        }),
      )) as [next: string, left: number];
      count += left;
      cursor = next;
    } while (cursor !== "0");
    return count;
  }

  async #beat(partition: number, owner: string, lease: number, state: "alive" | LeaveReason): Promise<Beat> {
    const [known, steps, ...pairs] = (await this.#in(partition).run((client) =>
      scripts["presence-beat"].run(client, {
        keys: { owners: presenceOwnersKey(this.#cluster, partition) },
        args: { owner, lease, state, claim: claimMs },
      }),
    )) as [known: number, steps: number, ...lost: string[]];
    const lost: LostOwner[] = [];
    for (let at = 0; at < pairs.length; at += 2) {
      lost.push({ owner: pairs[at] ?? "", reason: pairs[at + 1] as LeaveReason });
    }
    return { known: known === 1, steps, lost };
  }

  #keysOf(partition: number, channel: Channel) {
    return {
      meta: presenceKey(this.#cluster, partition, channel),
      members: presenceMembersKey(this.#cluster, partition, channel),
      users: presenceUsersKey(this.#cluster, partition, channel),
    };
  }

  #keysOfOwner(partition: number, owner: string) {
    return {
      owned: presenceOwnedKey(this.#cluster, partition, owner),
      owners: presenceOwnersKey(this.#cluster, partition),
    };
  }

  #announced(partition: number, channel: Channel) {
    return {
      emptyLife: emptyLifeMs,
      kind: this.#kind,
      topic: topicOfPresence(this.#cluster, roomOf(channel, partition)),
    };
  }

  #in(partition: number): Commands {
    return (this.#partitions[partition] ?? this.#partitions[0]).commands;
  }
}

/** verb, id, turn, user, since, text. */
function changeArguments(change: PresenceChange): Argument[] {
  if (change.kind === "leave") return ["leave", change.id, change.turn, "", 0, change.reason];
  const { member, turn } = change;
  return ["join", member.id, turn, member.user ?? "", member.since, openText(member)];
}

const memberShape = { id: isText, user: isTextOrNull };

/** From "owner turn user since text"; undefined for what no node can have written. */
function decodeMember(entry: string, commands: Commands): PresenceMember | undefined {
  const [, since, text] = /^\S+ \d+ \S* (\d+) (.*)$/s.exec(entry) ?? [];
  const member = storedJson<Omit<PresenceMember, "since">>(text === undefined ? "" : `${text}}`, memberShape, commands);
  return member === undefined ? undefined : { ...member, since: Number(since) };
}

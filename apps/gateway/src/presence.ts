import type { Rules } from "@fanfare/access";
import {
  type Channel,
  type Clock,
  channelOfRoom,
  limits,
  type Presence,
  type PresenceMember,
  type PresenceState,
} from "@fanfare/domain";
import type { Fanout } from "@fanfare/fanout";
import type { Log, Metrics } from "@fanfare/telemetry";
import type { DisconnectReason, Server } from "socket.io";
import { PresenceNotices } from "./presence-notices.ts";
import { Roster } from "./presence-roster.ts";
import { finalReasons } from "./recovery.ts";
import { type ClientSocket, identityOf } from "./session.ts";
import { SharedReads } from "./shared-reads.ts";

export interface PresenceTrackerParts {
  readonly presence: Presence;
  readonly fanout: Fanout;
  readonly rules: Rules;
  /** Which turn of its session a connection is. */
  readonly turnOf: (socket: ClientSocket) => number;
  readonly node: string;
  readonly cluster: string;
  /** 0 where no session comes back. */
  readonly graceMs: number;
  readonly membersMax: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

/**
 * Who is in which channel: keeps the cluster up with this node's subscribers, tells them who comes and goes, and answers who
 * is there. Only for channels whose rules let anybody know.
 */
export class PresenceTracker {
  readonly #parts: PresenceTrackerParts;
  readonly #roster: Roster;
  readonly #notices: PresenceNotices;
  /** With whether the answer may be given. */
  readonly #reads: SharedReads<Channel, readonly [PresenceState, boolean]>;
  /** Of sessions that are being disconnected, whether for good. */
  readonly #ending = new Map<string, boolean>();
  readonly #watched = new WeakSet<ClientSocket>();
  readonly #disconnecting: (this: ClientSocket, reason: DisconnectReason) => void;

  constructor(parts: PresenceTrackerParts) {
    const { presence, membersMax } = parts;
    this.#parts = parts;
    this.#roster = new Roster(parts);
    this.#notices = new PresenceNotices(parts);
    this.#reads = new SharedReads(async (channel) => {
      const state = await presence.read(channel, membersMax);
      return [state, this.#notices.show(channel, state)];
    });
    const ending = this.#ending;
    // One for all sockets, and only for those that are members of something.
    this.#disconnecting = function (reason) {
      const { id } = this;
      ending.set(id, finalReasons.has(reason));
      // Its rooms are left in this turn.
      queueMicrotask(() => ending.delete(id));
    };
  }

  /** Follows the subscribers of this server's main namespace from now on. Called once, before the first connects. */
  attach(server: Server): void {
    const namespace = server.of("/");
    namespace.adapter.on("join-room", (room: string, id: string) => {
      const channel = channelOfRoom(room);
      const socket = namespace.sockets.get(id) as ClientSocket | undefined;
      if (channel !== undefined && socket !== undefined) this.#joined(socket, channel);
    });
    namespace.adapter.on("leave-room", (room: string, id: string) => {
      const channel = channelOfRoom(room);
      // Not only of channels that are kept account of now: the rules may have changed since it came.
      if (channel === undefined) return;
      const final = this.#ending.get(id);
      if (final === undefined) this.#roster.leave(channel, id, "unsubscribed");
      else if (final) this.#roster.leave(channel, id, "disconnected");
      else this.#roster.lose(channel, id);
    });
    namespace.adapter.on("delete-room", (room: string) => {
      const channel = channelOfRoom(room);
      if (channel !== undefined) this.#notices.unwatch(channel);
    });
    this.#parts.rules.onChange(() => {
      for (const socket of namespace.sockets.values()) this.#review(socket as ClientSocket);
    });
  }

  /** Who is in the channel now, whoever has asked to join or leave on this node before included. */
  async read(channel: Channel): Promise<PresenceState> {
    await this.#roster.written(channel);
    await this.#notices.settled(channel);
    let [state, sure] = await this.#reads.get(channel);
    if (!sure) {
      await this.#notices.settled(channel);
      [state, sure] = await this.#reads.get(channel);
    }
    // A list that no notice keeps up would be taken for one that is.
    return this.#notices.countsOnly(channel) ? { ...state, members: undefined } : state;
  }

  /** The socket's user or info is another now. */
  changed(socket: ClientSocket): void {
    for (const channel of this.#parts.fanout.channelsOf(socket)) {
      if (this.#tracks(channel)) this.#roster.join(channel, this.#memberOf(socket), this.#parts.turnOf(socket));
    }
  }

  /** Never rejects. */
  async close(): Promise<void> {
    this.#notices.close();
    await this.#roster.close();
  }

  #joined(socket: ClientSocket, channel: Channel): void {
    if (!this.#tracks(channel)) return;
    if (!this.#watched.has(socket)) {
      this.#watched.add(socket);
      socket.once("disconnecting", this.#disconnecting);
    }
    this.#roster.join(channel, this.#memberOf(socket), this.#parts.turnOf(socket));
    if (!this.#parts.rules.of(channel).joinLeave) return;
    this.#notices.watch(channel);
    if (socket.recovered) this.#notices.greetReturned(socket, channel);
  }

  /** The rules are others now. */
  #review(socket: ClientSocket): void {
    for (const channel of this.#parts.fanout.channelsOf(socket)) {
      if (!this.#tracks(channel)) this.#roster.leave(channel, socket.id, "unsubscribed");
      else if (!this.#roster.has(channel, socket.id)) this.#joined(socket, channel);
      if (this.#parts.rules.of(channel).joinLeave) this.#notices.watch(channel);
      else this.#notices.unwatch(channel);
    }
  }

  #tracks(channel: Channel): boolean {
    const { presence, joinLeave } = this.#parts.rules.of(channel);
    return joinLeave || presence !== "nobody";
  }

  #memberOf(socket: ClientSocket): PresenceMember {
    const { user = null, info = null } = identityOf(socket);
    const shown = JSON.stringify(info).length <= limits.presenceInfoLengthMax ? info : null;
    return { id: socket.id, user, info: shown, since: this.#parts.clock.now() };
  }
}

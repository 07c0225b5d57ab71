import {
  asFanfareError,
  type Bookmark,
  type Channel,
  type Clock,
  type Ownership,
  type Position,
  parseBookmark,
  pause,
  type SessionRecord,
  type Sessions,
} from "@fanfare/domain";
import type { Fanout } from "@fanfare/fanout";
import type { Log } from "@fanfare/telemetry";
import type { DisconnectReason, Namespace } from "socket.io";
import { adopt, closeZombie, makeRecoverable } from "./adopt.ts";
import { Deadlines } from "./lean/deadlines.ts";
import { RandomIds } from "./random-ids.ts";
import { type ClientSocket, identityOf } from "./session.ts";

/** How long a client may stay away: at least this minus one round of renewals. */
const lifeMs = 180_000;
const renewMs = 45_000;
const renewBatch = 500;
/** While the broker is away a returning client waits this long, and then tries again by itself. */
const claimPatienceMs = 8_000;
const claimRetryMs = 250;
/** Between two questions whose a session is, while the broker does not answer. */
const doubtRetryMs = 1_000;

/** Disconnects after which nobody comes back: the client or an operator meant it. */
export const finalReasons: ReadonlySet<string> = new Set(["client namespace disconnect", "server namespace disconnect"]);

interface Kept {
  readonly socket: ClientSocket;
  readonly pid: string;
  readonly owner: Ownership;
  /** Never changed, only replaced: all sessions without channels share one list. */
  channels: SessionRecord["channels"];
  /** Whether the broker is just being asked whose the session is. */
  doubted?: boolean;
}

const noChannels: SessionRecord["channels"] = [];
/** What a session without channels has to lose is its name: its record may be this late, and is then often written once. */
const recordDelayMs = 200;

/** What a returning session brings along. */
export interface Resumption {
  readonly channels: readonly (readonly [Channel, Position])[];
  readonly bookmark: Bookmark;
}

export interface RecoveryParts {
  readonly sessions: Sessions;
  readonly fanout: Fanout;
  readonly node: string;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Sessions that outlive their connection and their node. The record of each is written whenever its channels change, so that
 * any node can go on from it; a client shows its `pid` and the last bookmark it has heard, which the stock one does by itself.
 */
export class Recovery {
  readonly #parts: RecoveryParts;
  readonly #kept = new Map<string, Kept>();
  readonly #unwritten: Deadlines<Kept>;
  /** Of all sessions that begin here. */
  readonly #first: Ownership;
  readonly #secrets = new RandomIds(18);
  #stopRenewing: () => void = () => undefined;
  #stopped = false;

  constructor(parts: RecoveryParts) {
    this.#parts = parts;
    this.#first = { node: parts.node, turn: 1 };
    this.#unwritten = new Deadlines(parts.clock, recordDelayMs, (kept) => void this.#save(kept).catch(() => undefined));
    parts.fanout.onNodeMessage((message) => this.#hear(message));
    this.#scheduleRenewal();
  }

  /**
   * For a socket that is about to connect and whose identity is known: takes up the session it names, or starts one.
   * Undefined for a new one. Rejects with `BROKER_UNAVAILABLE` when it cannot be known whether there is one.
   */
  async admit(namespace: Namespace, socket: ClientSocket): Promise<Resumption | undefined> {
    const { node } = this.#parts;
    const { pid, offset }: { pid?: unknown; offset?: unknown } = socket.handshake.auth;
    const bookmark = parseBookmark(offset);
    if (typeof pid === "string" && pid.length <= 64 && bookmark !== undefined && this.#parts.fanout.understands(bookmark)) {
      const claimed = await this.#claim(pid);
      // Another user's token with this session's secret: a new session, and nothing of the old one.
      if (claimed !== undefined && claimed.record.user === (identityOf(socket).user ?? null)) {
        const { record, owner, previousNode } = claimed;
        adopt(namespace, socket, { id: record.id, pid });
        if (record.granted !== undefined) socket.data.granted = new Set(record.granted);
        if (previousNode !== node) void this.#closeElsewhere(previousNode, record.id, owner.turn);
        this.#kept.set(socket.id, { socket, pid, owner, channels: record.channels });
        return { channels: record.channels, bookmark };
      }
    }
    const fresh = this.#secrets.next();
    makeRecoverable(socket, fresh);
    this.#kept.set(socket.id, { socket, pid: fresh, owner: this.#first, channels: noChannels });
    return undefined;
  }

  /** Notes what the socket is subscribed to now; {@link save} writes it down. */
  subscribed(socket: ClientSocket, channel: Channel, { epoch, offset }: Position): void {
    const kept = this.#kept.get(socket.id);
    // One that is spread and added to is given room for sixteen more by V8, which is twice the rest of what is kept here.
    if (kept !== undefined) kept.channels = without(kept.channels, channel).concat([[channel, { epoch, offset }]]);
  }

  async unsubscribed(socket: ClientSocket, channel: Channel): Promise<void> {
    const kept = this.#kept.get(socket.id);
    if (kept === undefined) return;
    const left = without(kept.channels, channel);
    if (left.length === kept.channels.length) return;
    kept.channels = left;
    await this.#save(kept);
  }

  /** Writes the session down for the first time, or again. Rejects with `BROKER_UNAVAILABLE`. */
  async save(socket: ClientSocket): Promise<void> {
    const kept = this.#kept.get(socket.id);
    if (kept !== undefined) await this.#save(kept);
  }

  /** Which turn of its session the socket is: 1 for a new one. */
  turnOf(socket: ClientSocket): number {
    return this.#kept.get(socket.id)?.owner.turn ?? 1;
  }

  /** Writes a session down that has no channels yet; with its first channel, if that comes soon. */
  saveSoon(socket: ClientSocket): void {
    const kept = this.#kept.get(socket.id);
    if (kept !== undefined) this.#unwritten.add(kept);
  }

  /** For a socket that has ended, with its reason; without one when it had never connected. */
  over(socket: ClientSocket, reason: DisconnectReason | undefined): void {
    const kept = this.#kept.get(socket.id);
    // Its name may have gone to a successor.
    if (kept?.socket !== socket) return;
    this.#kept.delete(socket.id);
    const unwritten = this.#unwritten.delete(kept);
    if (reason === undefined) return;
    if (finalReasons.has(reason)) this.#parts.sessions.end(kept.pid).catch(() => undefined);
    else if (unwritten) void this.#save(kept).catch(() => undefined);
  }

  stop(): void {
    this.#unwritten.flush();
    this.#stopped = true;
    this.#stopRenewing();
  }

  async #claim(pid: string) {
    const { sessions, node, clock } = this.#parts;
    for (let waited = 0; ; waited += claimRetryMs) {
      try {
        return await sessions.claim(pid, node, lifeMs);
      } catch (thrown) {
        if (asFanfareError(thrown).band !== "dependency" || waited >= claimPatienceMs) throw thrown;
        await pause(claimRetryMs, clock);
      }
    }
  }

  async #save(kept: Kept): Promise<void> {
    const { socket, pid, owner, channels } = kept;
    this.#unwritten.delete(kept);
    const { granted } = socket.data;
    const record: SessionRecord = {
      id: socket.id,
      user: identityOf(socket).user ?? null,
      channels,
      ...(granted === undefined || granted.size === 0 ? {} : { granted: [...granted] }),
    };
    if (!(await this.#parts.sessions.save(pid, record, owner, lifeMs))) {
      // This node has slept, or the client was faster: it goes on elsewhere, and this connection is nobody's.
      closeZombie(socket);
    }
  }

  async #closeElsewhere(node: string, id: string, turn: number): Promise<void> {
    // A node that is gone does not hear it, and needs not: its connections are gone as well.
    await this.#parts.fanout.tell(node, Buffer.from(JSON.stringify({ close: id, turn }))).catch(() => undefined);
  }

  /** Says nothing that has to be believed: whoever may publish can say it, so the broker is asked whose the session is. */
  #hear(message: Uint8Array): void {
    let order: { close?: unknown; turn?: unknown };
    try {
      order = JSON.parse(Buffer.from(message).toString());
    } catch {
      return;
    }
    const { close, turn } = order ?? {};
    const kept = typeof close === "string" ? this.#kept.get(close) : undefined;
    if (kept === undefined || kept.doubted || typeof turn !== "number" || kept.owner.turn >= turn) return;
    kept.doubted = true;
    void this.#askWhose(kept);
  }

  /** Until the broker answers: what was said once is not said again. Writing is refused to whoever is not the last owner. */
  async #askWhose(kept: Kept): Promise<void> {
    while (!this.#stopped && this.#kept.get(kept.socket.id) === kept) {
      try {
        await this.#save(kept);
        break;
      } catch {
        await pause(doubtRetryMs, this.#parts.clock);
      }
    }
    kept.doubted = false;
  }

  #scheduleRenewal(): void {
    if (!this.#stopped) this.#stopRenewing = this.#parts.clock.after(renewMs, () => void this.#renew());
  }

  async #renew(): Promise<void> {
    const pids = [...this.#kept.values()].map(({ pid }) => pid);
    try {
      for (let at = 0; at < pids.length; at += renewBatch) {
        await this.#parts.sessions.renew(pids.slice(at, at + renewBatch), lifeMs);
      }
    } catch (err) {
      this.#parts.log.warn({ err }, "sessions not renewed");
    }
    this.#scheduleRenewal();
  }
}

function without(channels: SessionRecord["channels"], channel: Channel): SessionRecord["channels"] {
  return channels.filter(([name]) => name !== channel);
}

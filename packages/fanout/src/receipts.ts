import { type Channel, type Clock, type DeliveryReport, limits, type Seq, timeOfSeq } from "@fanfare/domain";
import { type Account, type Following, isWithheld, openAccount, outcomeOf, reportOf } from "./account.ts";
import type { ChannelState } from "./channel-state.ts";
import type { Item } from "./item.ts";
import type { Writer } from "./writer.ts";

/** Between two looks at connections that have not taken everything yet. */
const lookMs = 100;
const lifeMs = limits.receiptSeconds * 1_000;

export interface ReceiptsOptions {
  /** Publications that are counted at a time; of the oldest beyond, nothing more is said. About 350 bytes each. */
  readonly accountsMax?: number;
  /** Sessions that are followed at a time, each for one publication; those beyond stay unsent. About 400 bytes each. */
  readonly followedMax?: number;
  /** Of these, looked at in one turn of the event loop: the next turn goes on with those behind them. */
  readonly looksMax?: number;
  /** Whether what was collected is about to be written, between {@link Receipts.flushing} and {@link Receipts.flushed}. */
  readonly flushDue?: () => boolean;
}

/**
 * Counts who gets the publications that somebody wants a receipt of. The others never come here: they cost a look at a flag.
 *
 * It takes up to three steps. When a publication is delivered its sessions are counted, and all of them are unsent. When it is
 * flushed, those whose connections have nothing left to write are written to: nearly always that is all. Those that are behind
 * are looked at every 100 ms, or in their turn when they are very many, until the system has taken it or it is clear that they
 * will not get it. What is read from the log for a connection that was held back ends its waiting; for any other one the
 * session has recovered it.
 */
export class Receipts {
  readonly #clock: Clock;
  readonly #accountsMax: number;
  readonly #followedMax: number;
  readonly #looksMax: number;
  readonly #flushDue: () => boolean;
  /** By publication, oldest first. */
  readonly #accounts = new Map<string, Account>();
  /** Per partition, the newest publication whose account was dropped. */
  readonly #droppedSeqs: Seq[] = [];
  /** Delivered, and not flushed. */
  #fresh: Account[] = [];
  /** Those of them that will have been flushed when the round that is under way has ended. */
  #flushing: Account[] = [];
  /** With sessions that are followed. */
  readonly #followedIn = new Set<Account>();
  #followed = 0;
  #round = this.#everybody();
  #changed = new Set<Account>();
  #callOff: (() => void) | undefined;

  constructor(clock: Clock, options: ReceiptsOptions = {}) {
    const { accountsMax = 10_000, followedMax = 100_000, looksMax = 2_000, flushDue = () => false } = options;
    this.#clock = clock;
    this.#accountsMax = accountsMax;
    this.#followedMax = followedMax;
    this.#looksMax = looksMax;
    this.#flushDue = flushDue;
  }

  /** The item was handed to the channel's members, in this turn. */
  delivered(state: ChannelState, item: Item): void {
    const account = this.#find(state, item) ?? this.#open(state, item);
    for (const [id, writer] of state.members) {
      if (item.except.includes(id)) continue;
      account.sessions++;
      // What has no writer Socket.IO writes to, and there is no way to look at it.
      if (writer === undefined) account.written++;
      // Over polling it may be gone already, and over a websocket it was collected.
      else if (!isWithheld(writer, account)) {
        if (writer.isClear) account.written++;
        else account.fresh.push(writer);
      } else if (writer.doomed) account.dropped++;
      else this.#follow(account, writer, { state: "owed", late: false });
    }
    this.#changed.add(account);
    if (account.fresh.length > 0) this.#fresh.push(account);
    this.#lookSoon();
  }

  /** A publication that was read from its log was sent to a connection. */
  replayed(writer: Writer | undefined, state: Pick<ChannelState, "channel" | "partition">, item: Item): void {
    if (writer === undefined) return;
    const known = this.#find(state, item);
    if (known === undefined && this.#isPast(state, item)) return;
    const account = known ?? this.#open(state, item);
    const owed = account.following.get(writer);
    if (owed !== undefined) owed.state = writer.witness();
    else if (!writer.isClear) this.#follow(account, writer, { state: writer.witness(), late: true });
    else {
      account.recovered++;
      this.#changed.add(account);
    }
    this.#lookSoon();
  }

  /** A round of writing begins with what was collected up to now. */
  flushing(): void {
    this.#flushing = this.#fresh;
    this.#fresh = [];
  }

  /** It has ended. */
  flushed(): void {
    for (const account of this.#flushing) {
      for (const writer of account.fresh) {
        if (writer.isClosed) account.dropped++;
        else if (writer.isTaken) account.written++;
        else this.#follow(account, writer, { state: writer.witness(), late: false });
      }
      account.fresh = [];
      this.#changed.add(account);
    }
    this.#flushing = [];
  }

  /** How things stand of what has changed since the last time. */
  take(): DeliveryReport[] {
    this.#forget();
    this.#look();
    const reports = [...this.#changed].map(reportOf);
    this.#changed = new Set();
    return reports;
  }

  /** What was taken and could not be told is given out again, as it stands by then. */
  giveBack(reports: readonly DeliveryReport[]): void {
    for (const { channel, seq } of reports) {
      const account = this.#accounts.get(keyOf(channel, seq));
      if (account !== undefined) this.#changed.add(account);
    }
  }

  close(): void {
    this.#callOff?.();
    for (const key of this.#accounts.keys()) this.#drop(key);
  }

  #find({ channel }: Pick<ChannelState, "channel">, { seq }: Item): Account | undefined {
    return this.#accounts.get(keyOf(channel, seq));
  }

  #open(state: Pick<ChannelState, "channel" | "partition">, item: Item): Account {
    const [oldest] = this.#accounts.keys();
    if (oldest !== undefined && this.#accounts.size >= this.#accountsMax) this.#drop(oldest);
    const account = openAccount(state, item, this.#clock.monotonic() + lifeMs);
    this.#accounts.set(keyOf(state.channel, item.seq), account);
    return account;
  }

  /**
   * Whether a publication without an account is not to get one: its receipt has ended, or its account may have been dropped.
   * What is told are absolute numbers: those of a new account would take the place of what was counted in the one before.
   */
  #isPast({ partition }: Pick<ChannelState, "partition">, { seq }: Item): boolean {
    return timeOfSeq(seq) + lifeMs <= this.#clock.now() || seq <= (this.#droppedSeqs[partition] ?? Number.NEGATIVE_INFINITY);
  }

  #follow(account: Account, writer: Writer, following: Following): void {
    if (this.#followed >= this.#followedMax) return;
    this.#followed++;
    account.following.set(writer, following);
    this.#followedIn.add(account);
  }

  #lookSoon(): void {
    if (this.#fresh.length > 0 || this.#followedIn.size > 0) this.#callOff ??= this.#clock.after(lookMs, () => this.#look());
  }

  #look(): void {
    this.#callOff?.();
    this.#callOff = undefined;
    // What goes by polling alone is not flushed. What is about to be is left to that: to be looked at it would be written
    // connection by connection now, and what comes until the flush once more.
    if (!this.#flushDue()) {
      this.flushing();
      this.flushed();
    }
    for (let looks = 0; looks < this.#looksMax; looks++) {
      const next = this.#round.next();
      if (next.done) {
        this.#round = this.#everybody();
        break;
      }
      this.#lookAt(...next.value);
    }
    this.#lookSoon();
  }

  #lookAt(account: Account, writer: Writer, following: Following): void {
    const outcome = outcomeOf(writer, following, account);
    if (outcome === undefined) return;
    account.following.delete(writer);
    this.#followed--;
    if (account.following.size === 0) this.#followedIn.delete(account);
    if (!following.late) account[outcome]++;
    else if (outcome === "written") account.recovered++;
    this.#changed.add(account);
  }

  /** One round of those that are followed. It may be gone on with after others have come, who are last, or have left. */
  *#everybody(): Generator<readonly [Account, Writer, Following], void> {
    for (const account of this.#followedIn) {
      for (const [writer, following] of account.following) yield [account, writer, following];
    }
  }

  /** Drops what has outlived its receipt. */
  #forget(): void {
    const nowMs = this.#clock.monotonic();
    for (const [key, { endsAtMs }] of this.#accounts) {
      if (endsAtMs > nowMs) break;
      this.#drop(key);
    }
  }

  #drop(key: string): void {
    const account = this.#accounts.get(key);
    if (account === undefined) return;
    this.#accounts.delete(key);
    this.#changed.delete(account);
    const { partition, seq } = account;
    this.#droppedSeqs[partition] = Math.max(seq, this.#droppedSeqs[partition] ?? seq);
    if (account.fresh.length > 0) {
      this.#fresh = this.#fresh.filter((one) => one !== account);
      this.#flushing = this.#flushing.filter((one) => one !== account);
    }
    if (this.#followedIn.delete(account)) this.#followed -= account.following.size;
    account.following.clear();
  }
}

function keyOf(channel: Channel, seq: number): string {
  return `${channel} ${seq}`;
}

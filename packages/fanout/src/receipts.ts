import { type Channel, type Clock, type DeliveryReport, limits } from "@fanfare/domain";
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
  /** Sessions that are followed at a time, each for one publication; those beyond stay unsent. About 150 bytes each. */
  readonly followedMax?: number;
}

/**
 * Counts who gets the publications that somebody wants a receipt of. The others never come here: they cost a look at a flag.
 *
 * It takes up to three steps. When a publication is delivered its sessions are counted, and all of them are unsent. When it is
 * flushed, those whose connections have nothing left to write are written to: nearly always that is all. Those that are behind
 * are looked at every 100 ms, until the system has taken it or it is clear that they will not get it. What is read from the
 * log for a connection that was held back ends its waiting; for any other one the session has recovered it.
 */
export class Receipts {
  readonly #clock: Clock;
  readonly #accountsMax: number;
  readonly #followedMax: number;
  /** By publication, oldest first. */
  readonly #accounts = new Map<string, Account>();
  /** Delivered and not flushed. */
  #fresh: Account[] = [];
  /** With sessions that are followed. */
  readonly #open = new Set<Account>();
  #followed = 0;
  #changed = new Set<Account>();
  #callOff: (() => void) | undefined;

  constructor(clock: Clock, { accountsMax = 10_000, followedMax = 100_000 }: ReceiptsOptions = {}) {
    this.#clock = clock;
    this.#accountsMax = accountsMax;
    this.#followedMax = followedMax;
  }

  /** The item was handed to the channel's members, in this turn. */
  delivered(state: ChannelState, item: Item): void {
    const account = this.#account(state, item);
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
    const account = this.#account(state, item);
    const owed = account.following.get(writer);
    if (owed !== undefined) owed.state = writer.witness();
    else if (!writer.isClear) this.#follow(account, writer, { state: writer.witness(), late: true });
    else {
      account.recovered++;
      this.#changed.add(account);
    }
    this.#lookSoon();
  }

  /** Everything that was collected has been written. */
  flushed(): void {
    if (this.#fresh.length === 0) return;
    for (const account of this.#fresh) {
      for (const writer of account.fresh) {
        if (writer.isClosed) account.dropped++;
        else if (writer.isClear) account.written++;
        else this.#follow(account, writer, { state: writer.witness(), late: false });
      }
      account.fresh = [];
      this.#changed.add(account);
    }
    this.#fresh = [];
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

  #account(state: Pick<ChannelState, "channel" | "partition">, item: Item): Account {
    const key = keyOf(state.channel, item.seq);
    const known = this.#accounts.get(key);
    if (known !== undefined) return known;
    const [oldest] = this.#accounts.keys();
    if (oldest !== undefined && this.#accounts.size >= this.#accountsMax) this.#drop(oldest);
    const account = openAccount(state, item, this.#clock.monotonic() + lifeMs);
    this.#accounts.set(key, account);
    return account;
  }

  #follow(account: Account, writer: Writer, following: Following): void {
    if (this.#followed >= this.#followedMax) return;
    this.#followed++;
    account.following.set(writer, following);
    this.#open.add(account);
  }

  #lookSoon(): void {
    if (this.#fresh.length > 0 || this.#open.size > 0) this.#callOff ??= this.#clock.after(lookMs, () => this.#look());
  }

  #look(): void {
    this.#callOff?.();
    this.#callOff = undefined;
    // What goes by polling alone is not flushed.
    this.flushed();
    for (const account of this.#open) {
      for (const [writer, following] of account.following) {
        const outcome = outcomeOf(writer, following, account);
        if (outcome === undefined) continue;
        account.following.delete(writer);
        this.#followed--;
        if (!following.late) account[outcome]++;
        else if (outcome === "written") account.recovered++;
        this.#changed.add(account);
      }
      if (account.following.size === 0) this.#open.delete(account);
    }
    this.#lookSoon();
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
    if (account.fresh.length > 0) this.#fresh = this.#fresh.filter((one) => one !== account);
    if (this.#open.delete(account)) this.#followed -= account.following.size;
    account.following.clear();
  }
}

function keyOf(channel: Channel, seq: number): string {
  return `${channel} ${seq}`;
}

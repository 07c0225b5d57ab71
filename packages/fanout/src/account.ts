import type { Channel, DeliveryReport, Receipted } from "@fanfare/domain";
import type { Item } from "./item.ts";
import type { Writer } from "./writer.ts";

/** A session that is looked at until something can be said of it. */
export interface Following {
  /** `owed`: it is held back, and has not been sent it yet. Else what says whether the system has taken it. */
  state: "owed" | (() => boolean);
  /** Not one of the sessions that it was delivered to: it got it from the log. */
  readonly late: boolean;
}

/** How one publication has fared on this node so far. Whoever is neither written to nor dropped is unsent. */
export interface Account extends Receipted {
  readonly partition: number;
  readonly endsAtMs: number;
  sessions: number;
  written: number;
  dropped: number;
  recovered: number;
  /** Whom it was collected for, until that is flushed. */
  fresh: Writer[];
  readonly following: Map<Writer, Following>;
}

export function openAccount(
  { channel, partition }: { readonly channel: Channel; readonly partition: number },
  { epoch, offset, seq }: Item,
  endsAtMs: number,
): Account {
  const counts = { sessions: 0, written: 0, dropped: 0, recovered: 0 };
  return { channel, partition, epoch, offset, seq, endsAtMs, ...counts, fresh: [], following: new Map() };
}

export function reportOf({ channel, epoch, offset, seq, sessions, written, dropped, recovered }: Account): DeliveryReport {
  const unsent = sessions - written - dropped;
  return { channel, epoch, offset, seq, counts: { sessions, written, unsent, dropped, recovered } };
}

/** Whether a publication was not handed to a connection because that is held back, and still is. */
export function isWithheld({ hold }: Writer, { partition, seq }: Pick<Account, "partition" | "seq">): boolean {
  return hold !== undefined && (hold.seqs[partition] ?? 0) < seq;
}

/** Undefined while it cannot be said. */
export function outcomeOf(writer: Writer, { state }: Following, account: Account): "written" | "dropped" | undefined {
  if (state !== "owed" && state()) return "written";
  if (writer.isClosed) return "dropped";
  // Once it is no longer held back, and was not sent it on the way, it will not be.
  return state === "owed" && (writer.doomed || !isWithheld(writer, account)) ? "dropped" : undefined;
}

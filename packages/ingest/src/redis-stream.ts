import type { Clock, FanfareError } from "@fanfare/domain";
import type { Log } from "@fanfare/telemetry";
import { reasonText } from "./dead-letter.ts";
import { Pauses } from "./pauses.ts";
import { blockMs, type RedisCommands } from "./redis-commands.ts";
import { RedisLease } from "./redis-lease.ts";
import { draftOfEntry, type StreamEntry } from "./redis-stream-entry.ts";
import type { Intake, Source } from "./source.ts";

export interface RedisStreamOptions {
  readonly key: string;
  /** The consumer group. */
  readonly group: string;
  /** This worker's name, new for every process. */
  readonly worker: string;
  /** A connection for reads alone: they wait. */
  readonly reader: RedisCommands;
  readonly writer: RedisCommands;
  readonly log: Log;
  readonly clock: Clock;
}

const batchMax = 200;
const retryMs = 250;
const standByMs = 500;
/** Poison that is kept, about. */
const deadMax = 10_000;

type RawEntry = readonly [id: string, fields: readonly string[] | null];

/**
 * A Redis stream, read through a consumer group.
 *
 * Order: that of the stream. One worker reads it at a time (a lease), others stand by and take over what it had not
 * acknowledged within about 5 s of its end. Entries that were there before the group are read too.
 * Identity: the entry's id together with the stream's key. Entries stay in the stream: trimming it is the producer's.
 */
export class RedisStreamSource implements Source {
  readonly name = "redis-stream";
  readonly #options: RedisStreamOptions;
  readonly #lease: RedisLease;
  readonly #inHand = new Set<string>();
  #toAcknowledge: string[] = [];
  #acknowledging: Promise<void> | undefined;
  #stopping = false;
  #loop: Promise<void> = Promise.resolve();
  readonly #pauses: Pauses;
  #isAway = false;

  constructor(options: RedisStreamOptions) {
    this.#options = options;
    this.#pauses = new Pauses(options.clock);
    this.#lease = new RedisLease(options.writer, `${options.key}:${options.group}:reader`, options.worker, options.clock);
  }

  async start(intake: Intake): Promise<void> {
    this.#loop = this.#run(intake);
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.#pauses.cutShort();
    await this.#loop;
  }

  async close(): Promise<void> {
    await this.#acknowledge();
    const { key, group, worker, writer, reader } = this.#options;
    try {
      // A consumer that is deleted takes its pending entries along: only one that has none.
      const pending = await writer.run((client) => client.xpending(key, group, "-", "+", 1, worker));
      if (pending.length === 0) await writer.run((client) => client.xgroup("DELCONSUMER", key, group, worker));
      await this.#lease.release();
    } catch {
      // Redis is away: the lease ends by itself, and an empty consumer costs nothing.
    }
    reader.close();
    writer.close();
  }

  async lag(): Promise<number | undefined> {
    const { key, group, writer } = this.#options;
    const groups = (await writer.run((client) => client.xinfo("GROUPS", key))) as unknown[][];
    const own = groups.map(asRecord).find(({ name }) => name === group);
    // Since Redis 7, and null after entries were deleted in the middle.
    return typeof own?.lag === "number" && typeof own.pending === "number" ? own.lag + own.pending : undefined;
  }

  async #run(intake: Intake): Promise<void> {
    /** Whether pending entries must be looked at: ours after a read whose answer was lost, and those of workers that are gone. */
    let mustClaim = true;
    while (!this.#stopping) {
      try {
        if (!(await this.#lease.hold())) {
          mustClaim = true;
          await this.#pauses.pause(standByMs);
          continue;
        }
        const entries = mustClaim ? await this.#claim() : await this.#read();
        if (mustClaim && entries.length === 0) mustClaim = false;
        this.#away(false);
        for (const entry of entries) {
          if (this.#stopping) return;
          await this.#hand(entry, intake);
        }
      } catch (error) {
        mustClaim = true;
        this.#away(true, error);
        await this.#recover(error);
      }
    }
  }

  /** New entries, in the order of the stream; none when none came within {@link blockMs}. */
  async #read(): Promise<StreamEntry[]> {
    const { key, group, worker, reader } = this.#options;
    const answer = (await reader.run((client) =>
      client.xreadgroup("GROUP", group, worker, "COUNT", batchMax, "BLOCK", blockMs, "STREAMS", key, ">"),
    )) as readonly (readonly [string, readonly RawEntry[]])[] | null;
    return entriesOf(answer?.[0]?.[1] ?? []);
  }

  /** Pending entries that are not in hand, oldest first; none when all are. */
  async #claim(): Promise<StreamEntry[]> {
    const { key, group, worker, writer } = this.#options;
    for (let from = "0-0"; ; ) {
      const [next, raw] = (await writer.run((client) => client.xautoclaim(key, group, worker, 0, from, "COUNT", batchMax))) as [
        string,
        readonly RawEntry[],
      ];
      const entries = entriesOf(raw).filter(({ id }) => !this.#inHand.has(id));
      if (entries.length > 0 || next === "0-0") return entries;
      from = next;
    }
  }

  async #hand(entry: StreamEntry, intake: Intake): Promise<void> {
    const { id } = entry;
    this.#inHand.add(id);
    const done = (): void => {
      this.#toAcknowledge.push(id);
      void this.#acknowledge();
    };
    await intake({
      draft: () => draftOfEntry(entry, this.#options.key),
      stored: done,
      poison: async (reason) => {
        await this.#putAside(entry, reason);
        done();
      },
    });
  }

  /** Sends what is to be acknowledged, together, and what has come meanwhile. Tried again with the next when Redis is away. */
  #acknowledge(): Promise<void> {
    const { key, group, writer } = this.#options;
    this.#acknowledging ??= (async () => {
      while (this.#toAcknowledge.length > 0) {
        const ids = this.#toAcknowledge;
        this.#toAcknowledge = [];
        try {
          await writer.run((client) => client.xack(key, group, ...ids));
          for (const id of ids) this.#inHand.delete(id);
        } catch {
          this.#toAcknowledge.unshift(...ids);
          if (this.#stopping) return;
          await this.#pauses.pause(retryMs);
        }
      }
    })().finally(() => {
      this.#acknowledging = undefined;
    });
    return this.#acknowledging;
  }

  /** Tries until it lies there: until then the entry stays pending. */
  async #putAside({ id, fields }: StreamEntry, reason: FanfareError): Promise<void> {
    const { key, writer } = this.#options;
    const why = ["fanfare-entry", id, "fanfare-code", reason.code, "fanfare-reason", reasonText(reason)];
    while (!this.#stopping) {
      try {
        await writer.run((client) => client.xadd(`${key}:dead`, "MAXLEN", "~", deadMax, "*", ...fields, ...why));
        return;
      } catch {
        await this.#pauses.pause(retryMs);
      }
    }
  }

  /** Makes the group when that is what was missing (a first start, or a Redis that lost its data), else waits a moment. */
  async #recover(error: unknown): Promise<void> {
    const { key, group, writer } = this.#options;
    if (textOf(error).includes("NOGROUP")) {
      try {
        await writer.run((client) => client.xgroup("CREATE", key, group, "0", "MKSTREAM"));
        return;
      } catch {
        // Made by another worker in the same moment, or Redis is away again: the next turn shows.
      }
    }
    await this.#pauses.pause(retryMs);
  }

  #away(isAway: boolean, error?: unknown): void {
    if (isAway === this.#isAway || textOf(error).includes("NOGROUP")) return;
    this.#isAway = isAway;
    const { log, key } = this.#options;
    if (isAway) log.warn({ key, reason: textOf(error) }, "the stream cannot be read");
    else log.info({ key }, "the stream is read again");
  }
}

/** An entry that was deleted while it was pending has no fields: there is nothing left of it to publish. */
function entriesOf(raw: readonly RawEntry[]): StreamEntry[] {
  return raw.flatMap(([id, fields]) => (fields === null ? [] : [{ id, fields }]));
}

function asRecord(pairs: readonly unknown[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(pairs.flatMap((name, at) => (at % 2 === 0 ? [[String(name), pairs[at + 1]]] : [])));
}

/** What went wrong, with what an error of the catalogue keeps as its cause. */
function textOf(error: unknown): string {
  if (!(error instanceof Error)) return "";
  return error.cause instanceof Error ? `${error.message} ${error.cause.message}` : error.message;
}

import { FanfareError } from "@fanfare/domain";
import type { Redis, RedisOptions } from "ioredis";
import { connect, drop, end, type Role } from "./connection.ts";
import type { Log } from "./log.ts";
import { asBrokerError } from "./redis-errors.ts";

/** How long a command waits for a connection: enough for one that was cut to come back, so that nobody notices. */
const readyWaitMs = 300;

const mutedMs = 60_000;

/**
 * The connection that asks. Every command is answered or rejected within 2 s: when Redis is away, when it is frozen, when
 * it is cut off in the middle. It is never sent twice.
 */
export class Commands {
  readonly #client: Redis;
  readonly #waiting = new Set<() => void>();
  readonly #inFlight = new Set<(reason: Error) => void>();
  #corked = false;
  #closed = false;
  #connection = 0;
  readonly #log: Log;
  #unreadable = 0;
  #mutedUntilMs = 0;

  constructor(target: RedisOptions, log: Log, role: Exclude<Role, "subscriber"> = "commands") {
    this.#log = log;
    this.#client = connect(target, role, log);
    this.#client.on("ready", () => {
      this.#connection++;
      for (const go of this.#waiting) go();
      this.#waiting.clear();
    });
    this.#client.on("close", () => {
      // ioredis forgets what was on its way without settling it.
      for (const lose of this.#inFlight) lose(new Error("the connection was closed before the answer came"));
      this.#inFlight.clear();
    });
  }

  /** Counts connections: whether something still goes over the one that something else went over. */
  get connection(): number {
    return this.#connection;
  }

  /** Sends what `send` sends. Rejects with errors of the catalogue only. */
  async run<Answer>(send: (client: Redis) => Promise<Answer>): Promise<Answer> {
    try {
      if (this.#client.status !== "ready") await this.#ready();
      this.#cork();
      return await this.#answerTo(send(this.#client));
    } catch (thrown) {
      throw asBrokerError(thrown);
    }
  }

  /** Called for a value that no node can have written. One line a minute says that there are such. */
  unreadable(): void {
    this.#unreadable++;
    const now = performance.now();
    if (now < this.#mutedUntilMs) return;
    this.#mutedUntilMs = now + mutedMs;
    this.#log.warn({ unreadable: this.#unreadable }, "redis holds values that no node can have written");
  }

  close(): void {
    this.#closed = true;
    end(this.#client);
  }

  #ready(): Promise<void> {
    if (this.#closed) return Promise.reject(new FanfareError("BROKER_UNAVAILABLE"));
    return new Promise((resolve, reject) => {
      const go = (): void => {
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(go);
        reject(new Error("there is no connection"));
      }, readyWaitMs);
      this.#waiting.add(go);
    });
  }

  #answerTo<Answer>(answer: Promise<Answer>): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#inFlight.add(reject);
      answer.then(
        (value) => {
          this.#inFlight.delete(reject);
          resolve(value);
        },
        (thrown: unknown) => {
          this.#inFlight.delete(reject);
          if (isTimeout(thrown)) this.#giveUp();
          reject(thrown);
        },
      );
    });
  }

  /**
   * A connection on which Redis has stopped to answer is replaced: it may be cut without anybody having been told, and
   * what is sent into it piles up.
   */
  #giveUp(): void {
    drop(this.#client);
  }

  /** What is sent within one turn of the event loop goes out in one write. */
  #cork(): void {
    if (this.#corked) return;
    this.#corked = true;
    const { stream } = this.#client;
    stream.cork();
    setImmediate(() => {
      this.#corked = false;
      stream.uncork();
    });
  }
}

/** ioredis has no code for it, only this text. */
function isTimeout(thrown: unknown): boolean {
  return thrown instanceof Error && thrown.message === "Command timed out";
}

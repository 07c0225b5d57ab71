import type { Redis, RedisOptions } from "ioredis";
import { connect, end } from "./connection.ts";
import type { Log } from "./log.ts";

/**
 * Hears what others PUBLISH on channels of a pattern, for as long as the connection holds: what is said while it is away is
 * lost, as it is for stock Socket.IO nodes. On a Redis Cluster every node of it hears every PUBLISH.
 */
export class PatternListener {
  readonly #client: Redis;

  /** `hear` MUST NOT throw. */
  constructor(target: RedisOptions, pattern: string, hear: (message: Buffer) => void, log: Log) {
    this.#client = connect(target, "patterns", log);
    this.#client.on("ready", () => {
      // Refused only when the connection is lost again, and then there is a next time.
      this.#client.psubscribe(pattern).catch(() => undefined);
    });
    this.#client.on("pmessageBuffer", (_pattern: string, _channel: Buffer, message: Buffer) => hear(message));
  }

  close(): void {
    end(this.#client);
  }
}

import type { Redis } from "ioredis";

/**
 * A connection to Redis that answers or rejects every command within 2 s, comes back by itself and never sends a command
 * twice. An app hands in the one of `@fanfare/broker`, on a connection of its own: a read here waits up to
 * {@link blockMs} and holds up what is behind it.
 */
export interface RedisCommands {
  run<Answer>(send: (client: Redis) => Promise<Answer>): Promise<Answer>;
  close(): void;
}

/** How long a read waits for new entries: less than a command may take. */
export const blockMs = 1_000;

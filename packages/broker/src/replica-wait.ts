import { FanfareError } from "@fanfare/domain";
import type { Redis } from "ioredis";
import type { Commands } from "./commands.ts";

/** How long replicas are waited for. */
const waitMs = 200;
/** Writes that share one wait. */
const batchMax = 500;

export interface Confirmed<Answer> {
  readonly answer: Answer;
  /** How many replicas have the write. */
  readonly replicas: number;
}

interface Write {
  readonly send: (client: Redis) => Promise<unknown>;
  readonly resolve: (confirmed: Confirmed<unknown>) => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * Writes that wait until a replica has them, over a connection of their own: WAIT holds up everything behind it on its
 * connection. Writes that come while a wait is on are sent together after it and share the next one, so that their waits do
 * not add up to seconds where no replica answers.
 */
export class ReplicaWait {
  readonly #open: () => Commands;
  #commands: Commands | undefined;
  #queue: Write[] = [];
  #busy = false;
  #closed = false;

  /** `open` is called at the first write. */
  constructor(open: () => Commands) {
    this.#open = open;
  }

  /** Sends what `send` sends and waits for one replica. Rejects when the write does; a wait that fails counts none. */
  async run<Answer>(send: (client: Redis) => Promise<Answer>): Promise<Confirmed<Answer>> {
    const { answer, replicas } = await new Promise<Confirmed<unknown>>((resolve, reject) => {
      this.#queue.push({ send, resolve, reject });
      if (!this.#busy) void this.#work();
    });
    // The queue holds writes of every kind; this is the answer to this one's own send.
    return { answer: answer as Answer, replicas };
  }

  close(): void {
    this.#closed = true;
    this.#commands?.close();
  }

  async #work(): Promise<void> {
    this.#busy = true;
    while (this.#queue.length > 0) {
      const failure = await this.#together(this.#queue.splice(0, batchMax));
      // Redis is away. Those behind have waited as long, and none of them has been sent.
      if (failure !== undefined) for (const { reject } of this.#queue.splice(0)) reject(failure);
    }
    this.#busy = false;
  }

  /** Sends a batch and waits once for all of it. Answers the failure when the connection gives no more answers. */
  async #together(batch: readonly Write[]): Promise<FanfareError | undefined> {
    const commands = this.#connected();
    const written: { readonly connection: number; confirm(replicas: number): void }[] = [];
    let away: FanfareError | undefined;
    const failed = (thrown: unknown): void => {
      if (thrown instanceof FanfareError && thrown.code === "BROKER_UNAVAILABLE") away = thrown;
    };
    await Promise.all(
      batch.map(async ({ send, resolve, reject }) => {
        let connection = 0;
        try {
          const answer = await commands.run((client) => {
            connection = commands.connection;
            return send(client);
          });
          written.push({ connection, confirm: (replicas) => resolve({ answer, replicas }) });
        } catch (thrown) {
          failed(thrown);
          reject(thrown);
        }
      }),
    );
    const last = written.at(-1);
    if (last === undefined) return away;
    const replicas = await commands
      // A connection that has written nothing is told that every replica has all of it.
      .run(async (client) => (commands.connection === last.connection ? client.wait(1, waitMs) : 0))
      .catch((thrown: unknown) => {
        failed(thrown);
        return 0;
      });
    for (const { connection, confirm } of written) confirm(connection === last.connection ? replicas : 0);
    return away;
  }

  #connected(): Commands {
    this.#commands ??= this.#open();
    if (this.#closed) this.#commands.close();
    return this.#commands;
  }
}

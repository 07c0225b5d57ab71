import { PostConnection, type PublishTarget } from "./post-connection.ts";

/** Several connections to post on. A body waits its turn while all of them are busy. */
export class PostPool {
  readonly #target: PublishTarget;
  readonly #idle: PostConnection[];
  readonly #all: readonly PostConnection[];
  readonly #queue: ((connection: PostConnection) => void)[] = [];

  private constructor(target: PublishTarget, connections: readonly PostConnection[]) {
    this.#target = target;
    this.#all = connections;
    this.#idle = [...connections];
  }

  static async open(target: PublishTarget, connections: number): Promise<PostPool> {
    return new PostPool(target, await Promise.all(Array.from({ length: connections }, () => PostConnection.open(target))));
  }

  /** Publishes data that is JSON already. */
  async publish(data: string): Promise<void> {
    const connection = this.#idle.pop() ?? (await new Promise<PostConnection>((resolve) => this.#queue.push(resolve)));
    try {
      await connection.post(`${this.#target.before}${data}${this.#target.after}`);
    } finally {
      const next = this.#queue.shift();
      if (next === undefined) this.#idle.push(connection);
      else next(connection);
    }
  }

  close(): void {
    for (const connection of this.#all) connection.close();
  }
}

import type { Child } from "./child.ts";

/** What a worker process can be asked to do, by name. Arguments and results cross as JSON. */
export type Duties = Record<string, (wish: never) => unknown>;

interface Ask {
  readonly id: number;
  readonly duty: string;
  readonly wish: unknown;
}

interface Answer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}

type Wish<Duty> = Duty extends (wish: infer Given) => unknown ? Given : never;
type Result<Duty> = Duty extends (wish: never) => infer Given ? Awaited<Given> : never;

/** The parent's side of a worker. */
export interface Worker<Does extends Duties> {
  readonly pid: number;
  /** Rejects with what the worker threw, or when it has ended. */
  ask<Name extends keyof Does & string>(duty: Name, wish: Wish<Does[Name]>): Promise<Result<Does[Name]>>;
}

export function workerIn<Does extends Duties>(child: Child): Worker<Does> {
  const waiting = new Map<number, (answer: Answer) => void>();
  let asked = 0;
  child.process.on("message", (answer: Answer) => {
    waiting.get(answer.id)?.(answer);
    waiting.delete(answer.id);
  });
  return {
    pid: child.pid,
    async ask(duty, wish) {
      asked += 1;
      const ask: Ask = { id: asked, duty, wish };
      const answered = new Promise<Answer>((resolve) => waiting.set(ask.id, resolve));
      // A worker that is gone already is told of by `failed`.
      child.process.send(ask, () => {});
      const { result, error } = await Promise.race([answered, child.failed]);
      if (error !== undefined) throw new Error(`${child.label}: ${error}`);
      return result as Result<Does[typeof duty]>;
    },
  };
}

/** The worker's side: answers what the parent asks. The parent ends the process; when the parent is gone, it ends itself. */
export function serve(duties: Duties): void {
  process.on("message", async ({ id, duty, wish }: Ask) => {
    const answer = await perform(duties[duty], wish);
    process.send?.({ id, ...answer });
  });
  process.on("disconnect", () => process.exit(0));
}

async function perform(duty: Duties[string] | undefined, wish: unknown): Promise<Omit<Answer, "id">> {
  if (duty === undefined) return { error: "there is no such duty" };
  try {
    // The parent's side has checked that the wish is what this duty takes: `ask` is typed by the same duties.
    return { result: await duty(wish as never) };
  } catch (error) {
    return { error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

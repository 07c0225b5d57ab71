import type { Context, Publication } from "./publication.ts";

/** What the data of each event is: `{ price: { bid: number }; halt: string }`. */
// biome-ignore lint/suspicious/noExplicitAny: an interface without an index signature fits no other constraint
export type EventMap = Record<string, any>;

type Handler = (data: never, context: Context) => void;

/** Who is called for which event name. What a handler throws reaches nobody else's handler, and not the socket. */
export class Handlers {
  readonly #byEvent = new Map<string, Set<Handler>>();
  readonly #onError: (thrown: unknown) => void;

  constructor(onError: (thrown: unknown) => void = throwLater) {
    this.#onError = onError;
  }

  add(event: string, given: Handler): () => void {
    // Its own function: the same one given twice is called twice, and taken away once.
    const handler: Handler = (data, context) => given(data, context);
    const handlers = this.#byEvent.get(event) ?? new Set();
    this.#byEvent.set(event, handlers.add(handler));
    return () => {
      if (handlers.delete(handler) && handlers.size === 0) this.#byEvent.delete(event);
    };
  }

  call({ data, ...context }: Publication): void {
    const { event } = context;
    // A publication may itself be called "*".
    const names = event === "*" ? ["*"] : [event, "*"];
    for (const handler of names.flatMap((name) => [...(this.#byEvent.get(name) ?? [])])) {
      // Whoever registered for the event has said what its data is.
      this.guard(() => handler(data as never, context));
    }
  }

  guard(act: () => void): void {
    try {
      act();
    } catch (thrown) {
      this.#onError(thrown);
    }
  }
}

/** Where it ends the page's script or the process as any other, but not the work that called it. */
function throwLater(thrown: unknown): void {
  setTimeout(() => {
    throw thrown;
  });
}

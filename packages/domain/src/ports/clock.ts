/** Time, injected so that tests own it. */
export interface Clock {
  /** Milliseconds since 1970. May step when the machine's clock is set. */
  now(): number;
  /** Milliseconds since some start. Never goes back. */
  monotonic(): number;
  /** Calls `task` once, after at least `ms`. The returned function calls it off. */
  after(ms: number, task: () => void): () => void;
}

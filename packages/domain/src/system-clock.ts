import type { Clock } from "./ports/clock.ts";

// Present in Node and in browsers alike; declared here because the domain knows the types of neither.
declare const performance: { now(): number };
declare function setTimeout(task: () => void, ms: number): unknown;
declare function clearTimeout(timer: unknown): void;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, task) {
    const timer = setTimeout(task, ms);
    return () => clearTimeout(timer);
  },
};

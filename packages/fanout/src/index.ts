export { Fanout, type FanoutParts, type Listening, type SessionChannel, type Subscribed } from "./fanout.ts";
export type { FanoutObserver, ResetReason } from "./observer.ts";
export type { ReplayOptions } from "./replay.ts";
export { unsentBytes } from "./unsent.ts";

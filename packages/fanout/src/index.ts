export { Fanout } from "./fanout.ts";
export type { FanoutParts } from "./fanout-parts.ts";
export type { FanoutObserver, ResetReason } from "./observer.ts";
export type { Receipts } from "./receipts.ts";
export type { ReplayOptions } from "./replay.ts";
export type { Listening } from "./side-topics.ts";
export type { SessionChannel, Subscribed } from "./subscriptions.ts";
export { unsentBytes } from "./unsent.ts";

export { type Channel, type ChannelOptions, channel, type Reset } from "./channel.ts";
export type { ResetReason } from "./continuity.ts";
export type { EventMap } from "./handlers.ts";
export type { HistoryOptions } from "./history.ts";
export type { Context, Publication } from "./publication.ts";
export type { Published, PublishOptions } from "./publish.ts";
export { type FailureCode, RequestError } from "./request-error.ts";
export type { StockSocket } from "./stock-socket.ts";
export type { ChannelState, Counts, Refusal } from "./subscription.ts";

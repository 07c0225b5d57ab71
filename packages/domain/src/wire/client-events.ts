import { channelPattern } from "../channel.ts";
import { limits } from "../limits.ts";
import { epochPattern } from "../position.ts";
import { Type } from "../typebox.ts";

/** Schemas of what clients may ask over their connection; the handlers in the gateway are named after these. */

const strict = { additionalProperties: false } as const;

export const ChannelField = Type.String({ pattern: channelPattern });
export const OffsetField = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
export const PositionFields = Type.Object({ epoch: Type.String({ pattern: epochPattern }), offset: OffsetField }, strict);
export const IdField = Type.String({ minLength: 1, maxLength: limits.idLengthMax });
export const TtlField = Type.Integer({
  minimum: 1,
  maximum: limits.ttlSecondsMax,
  description: "Seconds after which it is no longer replayed or listed. Absent: as long as the channel keeps it.",
});
export const TraceField = Type.String({
  // Room for versions to come. What it must be is said in one place, in words: trace-parent.ts.
  maxLength: 512,
  description:
    "`traceparent` of W3C Trace Context. Subscribers get it in the context where the channel's rules have `trace`; elsewhere it is dropped.",
});
export const LimitField = Type.Integer({ minimum: 1, maximum: limits.historyLimitMax });

export const SubscribeRequest = Type.Object(
  {
    channel: ChannelField,
    /** Replays what came after this position. */
    since: Type.Optional(PositionFields),
    /** Replays the last n publications; ignored when `since` could be honoured. */
    rewind: Type.Optional(LimitField),
  },
  strict,
);

export const UnsubscribeRequest = Type.Object({ channel: ChannelField }, strict);

export const PublishRequest = Type.Object(
  {
    channel: ChannelField,
    data: Type.Unknown(),
    event: Type.Optional(Type.String({ minLength: 1, maxLength: limits.eventLengthMax })),
    id: Type.Optional(IdField),
    /** Wait for a replica; the answer then says how many have it. */
    durable: Type.Optional(Type.Boolean()),
    ttl: Type.Optional(TtlField),
    traceparent: Type.Optional(TraceField),
  },
  strict,
);

export const HistoryRequest = Type.Object(
  {
    channel: ChannelField,
    since: Type.Optional(PositionFields),
    limit: Type.Optional(LimitField),
    reverse: Type.Optional(Type.Boolean()),
  },
  strict,
);

export const RefreshRequest = Type.Object({ token: Type.String({ maxLength: 8_192 }) }, strict);

export const PresenceRequest = Type.Object({ channel: ChannelField }, strict);

export const WhoamiRequest = Type.Object({}, strict);

/** What a client may say when it connects. `token` is checked by the gateway. */
export const ConnectAuth = Type.Object({
  token: Type.Optional(Type.String({ maxLength: 8_192 })),
  channels: Type.Optional(Type.Array(ChannelField, { maxItems: limits.subscriptionsMax })),
});

export type SubscribeRequest = Type.Static<typeof SubscribeRequest>;
export type UnsubscribeRequest = Type.Static<typeof UnsubscribeRequest>;
export type PublishRequest = Type.Static<typeof PublishRequest>;
export type HistoryRequest = Type.Static<typeof HistoryRequest>;
export type ConnectAuth = Type.Static<typeof ConnectAuth>;

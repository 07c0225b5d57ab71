import { epochPattern } from "../position.ts";
import { type TSchema, Type } from "../typebox.ts";
import { PublicationSchema } from "./admin-api.ts";
import {
  ChannelField,
  HistoryRequest,
  OffsetField,
  PresenceRequest,
  PublishRequest,
  RefreshRequest,
  SubscribeRequest,
  UnsubscribeRequest,
  WhoamiRequest,
} from "./client-events.ts";
import { PresenceMemberSchema } from "./presence.ts";

/*
 * Everything that is said over a client's connection, beside the requests' own schemas: how they are answered, and what a
 * client is told. The AsyncAPI document is made from it; the gateway has a handler for each request by its type.
 */

const EpochField = Type.String({ pattern: epochPattern });
const Instant = Type.Integer({ description: "Milliseconds since 1970." });
const place = { channel: ChannelField, epoch: EpochField, offset: OffsetField };
/** Where a plain channel name may stand for an object with only that. */
const orName = (schema: TSchema): TSchema => Type.Union([schema, ChannelField]);
/** `error` of a refused request. */
export const RefusalSchema = Type.Object({
  ok: Type.Literal(false),
  error: Type.Object({
    code: Type.String({ description: "An error code of docs/ERRORS.md." }),
    message: Type.String(),
    retryAfterMs: Type.Optional(Type.Integer()),
    errors: Type.Optional(Type.Array(Type.Object({ path: Type.String(), message: Type.String() }))),
  }),
});

interface RequestEntry {
  readonly summary: string;
  /** Absent: none is needed. */
  readonly request?: TSchema;
  /** What an answer has beside `ok: true`. */
  readonly answer: Readonly<Record<string, TSchema>>;
}

/** What a client may ask, by the name of the event. */
export const clientRequests = {
  subscribe: {
    summary: "Hear a channel, from a position on, or with its last publications.",
    request: orName(SubscribeRequest),
    answer: { ...place, recovered: Type.Boolean(), replayed: Type.Integer() },
  },
  unsubscribe: {
    summary: "Hear a channel no longer.",
    request: orName(UnsubscribeRequest),
    answer: { channel: ChannelField },
  },
  publish: {
    summary: "Publish to a channel. A retry with the same id never doubles.",
    request: PublishRequest,
    answer: { ...place, duplicate: Type.Boolean(), replicas: Type.Optional(Type.Integer()) },
  },
  history: {
    summary: "What was published in a channel.",
    request: HistoryRequest,
    answer: { ...place, publications: Type.Array(PublicationSchema), more: Type.Boolean() },
  },
  presence: {
    summary: "Who is in a channel.",
    request: orName(PresenceRequest),
    answer: {
      channel: ChannelField,
      clients: Type.Integer(),
      users: Type.Integer(),
      version: Type.Integer(),
      members: Type.Optional(Type.Array(PresenceMemberSchema, { description: "Absent where there are too many." })),
    },
  },
  whoami: {
    summary: "Who this connection is.",
    request: WhoamiRequest,
    answer: {
      id: Type.String(),
      user: Type.Union([Type.String(), Type.Null()]),
      node: Type.String(),
      channels: Type.Array(ChannelField),
      recovered: Type.Boolean(),
    },
  },
  refresh: {
    summary: "Go on with a fresh token.",
    request: RefreshRequest,
    answer: { expiresAt: Type.Union([Instant, Type.Null()]) },
  },
  echo: { summary: "The same back, for round trips.", answer: { echo: Type.Unknown() } },
} as const satisfies Record<string, RequestEntry>;

/** What a client is told that is no publication, by the name of the event; each has one body. */
export const notices = {
  "fanfare:welcome": {
    summary: "The connection is who it is, and in the channels it asked for.",
    body: Type.Object({
      id: Type.String(),
      user: Type.Union([Type.String(), Type.Null()]),
      node: Type.String(),
      channels: Type.Array(ChannelField),
    }),
    bookmark: true,
  },
  "fanfare:bookmark": {
    summary: "Only the bookmark: up to where this session has heard everything. Stock clients keep it by themselves.",
    bookmark: true,
  },
  "fanfare:subscribed": { summary: "The application has put the connection into a channel.", body: Type.Object(place) },
  "fanfare:unsubscribed": {
    summary: "The connection is no longer in a channel, and why.",
    body: Type.Object({ channel: ChannelField, code: Type.String() }),
  },
  "fanfare:reset": {
    summary: "Publications of a channel cannot be given: reload it from the source of truth.",
    body: Type.Object({
      channel: ChannelField,
      reason: Type.Union([Type.Literal("epoch_changed"), Type.Literal("trimmed"), Type.Literal("diverged")]),
    }),
  },
  "fanfare:presence": {
    summary: "Who came to a channel and who left it, at most once a second.",
    body: Type.Object({
      channel: ChannelField,
      joined: Type.Array(PresenceMemberSchema),
      left: Type.Array(Type.Object({ ...PresenceMemberSchema.properties, reason: Type.String() })),
      clients: Type.Integer(),
      users: Type.Integer(),
      version: Type.Integer(),
      countsOnly: Type.Optional(Type.Literal(true)),
      reload: Type.Optional(Type.Literal(true)),
    }),
  },
  "fanfare:expiring": {
    summary: "The token ends soon: send a fresh one with `refresh`.",
    body: Type.Object({ inMs: Type.Integer() }),
  },
  "fanfare:closing": {
    summary: "The connection is about to be closed, and whether to come back.",
    body: Type.Object({ code: Type.String(), reason: Type.String(), reconnect: Type.Boolean() }),
  },
  "fanfare:degraded": { summary: "The broker is away: nothing is lost, and nothing comes for now." },
  "fanfare:restored": { summary: "The broker is back, and everything missed has been delivered." },
} as const satisfies Record<string, { readonly summary: string; readonly body?: TSchema; readonly bookmark?: true }>;

/** The second argument of a publication. */
export const ContextSchema = Type.Object({
  channel: ChannelField,
  offset: OffsetField,
  epoch: EpochField,
  at: Instant,
  id: Type.Optional(Type.String()),
  traceparent: Type.Optional(
    Type.String({ description: "W3C Trace Context. Where the channel's rules have `trace`, and its publisher gave one." }),
  ),
});

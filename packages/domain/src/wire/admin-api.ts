import { limits } from "../limits.ts";
import { epochPattern } from "../position.ts";
import { Type } from "../typebox.ts";
import { ChannelField, IdField, OffsetField, TraceField, TtlField } from "./client-events.ts";

/** Schemas of the admin REST API; the OpenAPI document is made from them. */

const strict = { additionalProperties: false } as const;

/** What `socket.id` can be. No comma: announcements list such ids. */
export const SessionIdField = Type.String({ pattern: "^[A-Za-z0-9_-]{1,32}$" });

/** What a publish body says beside where to. */
export const draftFields = {
  data: Type.Unknown({ description: 'Any JSON, carried to the byte; {"base64": "…"} arrives as a binary.' }),
  event: Type.Optional(Type.String({ minLength: 1, maxLength: limits.eventLengthMax, default: "message" })),
  id: Type.Optional(IdField),
  durable: Type.Optional(
    Type.Boolean({ description: "Wait until a replica of the broker has it too; the answer says how many have." }),
  ),
  except: Type.Optional(
    Type.Union([SessionIdField, Type.Array(SessionIdField, { maxItems: limits.exceptMax })], {
      description: "Session ids that do not get it.",
    }),
  ),
  ttl: Type.Optional(TtlField),
  traceparent: Type.Optional(TraceField),
};

export const PublishToOne = Type.Object({ channel: ChannelField, ...draftFields }, strict);
export const PublishToMany = Type.Object(
  { channels: Type.Array(ChannelField, { minItems: 1, maxItems: limits.publishChannelsMax, uniqueItems: true }), ...draftFields },
  strict,
);
/** One publication to one channel or to several. */
export const PublishBody = Type.Union([PublishToOne, PublishToMany], { examples: [{ channel: "news", data: { n: 1 } }] });

export const PublishBatchBody = Type.Object(
  {
    items: Type.Array(Type.Unknown(), { minItems: 1, maxItems: limits.batchItemsMax, description: "Each a publish body." }),
    atomic: Type.Optional(Type.Boolean({ default: false })),
  },
  strict,
);

/** The same for the document: of an atomic batch every item has to be right, of another one each is answered by itself. */
export const PublishBatchRequest = Type.Union(
  [
    Type.Object({ ...PublishBatchBody.properties, atomic: Type.Optional(Type.Literal(false)) }, strict),
    Type.Object(
      {
        items: Type.Array(PublishBody, { minItems: 1, maxItems: limits.batchItemsMax }),
        atomic: Type.Literal(true, {
          description: `Stores all items or none: at most ${limits.atomicMax} publications, in channels of one partition.`,
        }),
      },
      strict,
    ),
  ],
  {
    examples: [
      {
        items: [
          { channel: "news", data: 1 },
          { channels: ["a", "b"], data: 2 },
        ],
      },
      {
        items: [
          { channel: "account:7", data: { by: -5 }, id: "t1" },
          { channel: "account:8", data: { by: 5 }, id: "t1" },
        ],
        atomic: true,
      },
    ],
  },
);

export const FieldErrorSchema = Type.Object({ path: Type.String(), message: Type.String() });

/** RFC 9457, with our stable `code`. */
export const Problem = Type.Object({
  type: Type.String(),
  title: Type.String(),
  status: Type.Integer(),
  code: Type.String(),
  detail: Type.Optional(Type.String()),
  errors: Type.Optional(Type.Array(FieldErrorSchema)),
  requestId: Type.Optional(Type.String()),
  retryAfterMs: Type.Optional(
    Type.Integer({ description: "As in Retry-After, which a line or an item of a batch cannot have." }),
  ),
});

export const Published = Type.Object({
  channel: ChannelField,
  epoch: Type.String({ pattern: epochPattern }),
  offset: OffsetField,
  duplicate: Type.Boolean(),
  replicas: Type.Optional(Type.Integer({ description: "Replicas that have confirmed it, when `durable` was asked for." })),
  receipt: Type.Optional(
    Type.Union([Type.String(), Type.Literal(false)], {
      description: "When `receipt` was asked for: where to read it, or false when there is none.",
      examples: ["/v1/publications/news/17?epoch=hRk3vJ2xQ0aL"],
    }),
  ),
});

export const PublicationSchema = Type.Object({
  channel: ChannelField,
  event: Type.String(),
  data: Type.Unknown(),
  offset: OffsetField,
  epoch: Type.String(),
  id: Type.Optional(Type.String()),
  at: Type.Integer({ description: "When it was published, in milliseconds since 1970." }),
  traceparent: Type.Optional(Type.String({ description: "Where the channel's rules have `trace`, and its publisher gave one." })),
});

export const HistoryPage = Type.Object({
  channel: ChannelField,
  epoch: Type.String(),
  offset: OffsetField,
  publications: Type.Array(PublicationSchema),
  more: Type.Boolean({ description: "Whether the log holds more beyond this page, in the direction asked." }),
});

export const ChannelInfo = Type.Object({
  channel: ChannelField,
  subscribers: Type.Integer(),
  epoch: Type.String(),
  offset: OffsetField,
  retained: Type.Integer(),
});

export const Purged = Type.Object({ deleted: Type.Integer({ description: "Publications that were in the log." }) });

export const NodesPage = Type.Object({
  items: Type.Array(
    Type.Object({
      node: Type.String(),
      peerUrl: Type.String(),
      sidPrefix: Type.String({ description: "What the Engine.IO session ids of the node begin with, up to the dot." }),
      startedAt: Type.Integer({ description: "Milliseconds since 1970." }),
      connections: Type.Integer(),
      state: Type.Union([Type.Literal("ready"), Type.Literal("draining")]),
      version: Type.String(),
    }),
  ),
  next: Type.Union([Type.String(), Type.Null()]),
});

export const Draining = Type.Object({ node: Type.String(), state: Type.Literal("draining") });

export type PublishToOne = Type.Static<typeof PublishToOne>;
export type PublishToMany = Type.Static<typeof PublishToMany>;
export type PublishBody = Type.Static<typeof PublishBody>;
export type PublishBatchBody = Type.Static<typeof PublishBatchBody>;
export type Problem = Type.Static<typeof Problem>;
export type Published = Type.Static<typeof Published>;
export type HistoryPage = Type.Static<typeof HistoryPage>;
export type ChannelInfo = Type.Static<typeof ChannelInfo>;
export type NodesPage = Type.Static<typeof NodesPage>;
export type Draining = Type.Static<typeof Draining>;

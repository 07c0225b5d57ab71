import { limits } from "../limits.ts";
import { Type } from "../typebox.ts";
import { draftFields, PublishToMany, PublishToOne } from "./admin-api.ts";
import { ChannelField } from "./client-events.ts";

/** Schemas of publishing later: `at` in `POST /v1/publish`, and `/v1/scheduled`. */

const strict = { additionalProperties: false } as const;

const AtField = Type.Union(
  [
    // The least is of 2020: what is given in seconds is refused as what it is.
    Type.Integer({ minimum: 1_577_836_800_000, maximum: 8_640_000_000_000_000, description: "Milliseconds since 1970." }),
    Type.String({
      pattern: "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\\.[0-9]{1,9})?)?(Z|[+-][0-9]{2}:[0-9]{2})$",
      description: "ISO 8601 with a zone.",
    }),
  ],
  { description: "Publishes then, and answers 202 now. At most 366 days ahead." },
);

// Nobody is left then who could be told how many replicas have it.
const { durable: _durable, ...laterFields } = draftFields;

export const ScheduleToOne = Type.Object({ channel: ChannelField, ...laterFields, at: AtField }, strict);
export const ScheduleToMany = Type.Object(
  {
    channels: Type.Array(ChannelField, { minItems: 1, maxItems: limits.publishChannelsMax, uniqueItems: true }),
    ...laterFields,
    at: AtField,
  },
  strict,
);

/** The body of `POST /v1/publish`: now or later. */
export const PublishOrScheduleBody = Type.Union([PublishToOne, PublishToMany, ScheduleToOne, ScheduleToMany], {
  examples: [
    { channel: "news", data: { headline: "Rain" }, id: "news-17" },
    { channels: ["user:ada", "user:bob"], event: "invited", data: { to: "room:7" } },
    { channel: "news", data: { headline: "Happy new year" }, at: "2027-01-01T00:00:00Z", ttl: 3_600 },
  ],
});

export const ScheduleAnswer = Type.Object(
  {
    scheduledId: Type.String(),
    at: Type.Integer({ description: "When it is published, in milliseconds since 1970." }),
    duplicate: Type.Boolean({ description: "Whether the same was scheduled before under this id." }),
  },
  { examples: [{ scheduledId: "1798761600000-000000042-Zk3fQ0aL", at: 1_798_761_600_000, duplicate: false }] },
);

export const ScheduledSchema = Type.Object({
  scheduledId: Type.String(),
  at: Type.Integer({ description: "Milliseconds since 1970." }),
  channels: Type.Array(ChannelField),
  event: Type.String(),
  id: Type.Optional(Type.String()),
  bytes: Type.Integer({ description: "Of `data`, as text." }),
});

export const ScheduledPage = Type.Object({
  items: Type.Array(ScheduledSchema),
  next: Type.Union([Type.String(), Type.Null()]),
});

export const ScheduledRemoved = Type.Object({ scheduledId: Type.String(), removed: Type.Literal(true) });

export type ScheduleAnswer = Type.Static<typeof ScheduleAnswer>;
export type ScheduleToOne = Type.Static<typeof ScheduleToOne>;
export type ScheduleToMany = Type.Static<typeof ScheduleToMany>;

import { Type } from "../typebox.ts";
import { ChannelField } from "./client-events.ts";
import { UserField } from "./token.ts";

/** Schemas of what the admin API says of keys, rules and tokens. */

const strict = { additionalProperties: false } as const;

export const OwnKey = Type.Object(
  {
    name: Type.String(),
    scopes: Type.Array(Type.String(), { description: "Empty: everything." }),
    expiresAt: Type.Union([Type.Integer(), Type.Null()], { description: "Milliseconds since 1970." }),
  },
  { examples: [{ name: "console", scopes: ["read"], expiresAt: null }] },
);

const AudienceField = Type.String({ description: "anyone, user, token, subscriber, owner or nobody." });

export const ChannelRules = Type.Object(
  {
    channel: ChannelField,
    subscribe: AudienceField,
    publish: AudienceField,
    presence: AudienceField,
    history: AudienceField,
    retain: Type.Object({ count: Type.Integer(), seconds: Type.Integer() }),
    payloadBytesMax: Type.Integer(),
    events: Type.Union([Type.Array(Type.String()), Type.Null()], {
      description: "Names of events that clients may publish; null: any.",
    }),
    joinLeave: Type.Boolean(),
    trace: Type.Boolean({ description: "Whether publications keep the `traceparent` that they come with." }),
    slow: Type.String({ description: "disconnect, latest or catchup." }),
  },
  {
    examples: [
      {
        channel: "news",
        subscribe: "anyone",
        publish: "nobody",
        presence: "nobody",
        history: "subscriber",
        retain: { count: 1_000, seconds: 600 },
        payloadBytesMax: 1_048_576,
        events: null,
        joinLeave: false,
        trace: false,
        slow: "disconnect",
      },
    ],
  },
);

export const ExplainBody = Type.Object(
  {
    channel: ChannelField,
    token: Type.Optional(
      Type.String({ minLength: 1, maxLength: 8_192, description: "A client token (JWT). Absent: a client without one." }),
    ),
  },
  { ...strict, examples: [{ channel: "news" }] },
);

const AnswerField = Type.Object({
  action: Type.String({ description: "subscribe, publish, presence or history." }),
  allowed: Type.Boolean(),
  audience: AudienceField,
  code: Type.Union([Type.String(), Type.Null()], { description: "What the client is told where it may not." }),
  why: Type.String(),
});

export const Explanation = Type.Object(
  {
    channel: ChannelField,
    token: Type.Object(
      {
        accepted: Type.Boolean(),
        code: Type.Union([Type.String(), Type.Null()]),
        why: Type.String(),
        user: Type.Union([Type.String(), Type.Null()]),
        channels: Type.Array(Type.String()),
        publish: Type.Array(Type.String()),
        expiresAt: Type.Union([Type.Integer(), Type.Null()]),
      },
      { description: "Whether a client gets in with it, and what it grants." },
    ),
    answers: Type.Array(AnswerField, { description: "One for each action; none when the token is not accepted." }),
  },
  {
    examples: [
      {
        channel: "news",
        token: { accepted: true, code: null, why: "No token was given.", user: null, channels: [], publish: [], expiresAt: null },
        answers: [{ action: "subscribe", allowed: true, audience: "anyone", code: null, why: "The rules let anyone." }],
      },
    ],
  },
);

/** A channel, or all that begin with a prefix. */
const GrantField = Type.String({ pattern: "^([A-Za-z0-9_.:@#=+/-]{1,255}|[A-Za-z0-9_.:@#=+/-]{0,254}:\\*)$" });

export const TokenBody = Type.Object(
  {
    user: Type.Optional(UserField),
    channels: Type.Optional(Type.Array(GrantField, { maxItems: 100 })),
    publish: Type.Optional(Type.Array(GrantField, { maxItems: 100 })),
    ttlSeconds: Type.Optional(Type.Integer({ minimum: 1, maximum: 3_600, default: 900 })),
  },
  { ...strict, examples: [{ user: "ada", channels: ["news", "room:*"], ttlSeconds: 600 }] },
);

export const SignedToken = Type.Object(
  { token: Type.String(), expiresAt: Type.Integer({ description: "Milliseconds since 1970." }) },
  { examples: [{ token: "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl", expiresAt: 1_764_000_900_000 }] },
);

export type OwnKey = Type.Static<typeof OwnKey>;
export type ChannelRules = Type.Static<typeof ChannelRules>;
export type Explanation = Type.Static<typeof Explanation>;
export type SignedToken = Type.Static<typeof SignedToken>;

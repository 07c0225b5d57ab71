import { channelPattern } from "../channel.ts";
import { limits } from "../limits.ts";
import { Type } from "../typebox.ts";

/** Schema of the rules file: which channels may do what (see docs/RULES.md). */

const strict = { additionalProperties: false } as const;

export const Audience = Type.Union([Type.Literal("anyone"), Type.Literal("user"), Type.Literal("token"), Type.Literal("nobody")]);
export const SubscriberAudience = Type.Union([...Audience.anyOf, Type.Literal("subscriber")]);

export const NamespaceRules = Type.Object(
  {
    subscribe: Type.Optional(Audience),
    publish: Type.Optional(SubscriberAudience),
    presence: Type.Optional(SubscriberAudience),
    history: Type.Optional(SubscriberAudience),
    retain: Type.Optional(
      Type.Object(
        {
          count: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000_000 })),
          seconds: Type.Optional(Type.Integer({ minimum: 1, maximum: 31_536_000 })),
        },
        strict,
      ),
    ),
    /** Bytes of `data` that a client may publish. */
    payloadBytesMax: Type.Optional(Type.Integer({ minimum: 1, maximum: limits.bodyBytesMax })),
    /** Names of events that a client may publish; absent: any. */
    events: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: limits.eventLengthMax }), { maxItems: 100 })),
    joinLeave: Type.Optional(Type.Boolean()),
    /** Whether publications keep the `traceparent` that they come with, and show it to subscribers. */
    trace: Type.Optional(Type.Boolean()),
    slow: Type.Optional(Type.Union([Type.Literal("disconnect"), Type.Literal("latest"), Type.Literal("catchup")])),
  },
  strict,
);

export const RulesFile = Type.Object(
  {
    namespaces: Type.Optional(Type.Record(Type.String({ pattern: "^[A-Za-z0-9_.@#=+/-]{1,255}$" }), NamespaceRules)),
    /** Single channels by their whole name, instead of their namespace. */
    channels: Type.Optional(Type.Record(Type.String({ pattern: channelPattern }), NamespaceRules)),
  },
  strict,
);

export type Audience = Type.Static<typeof Audience>;
export type SubscriberAudience = Type.Static<typeof SubscriberAudience>;
export type NamespaceRules = Type.Static<typeof NamespaceRules>;
export type RulesFile = Type.Static<typeof RulesFile>;

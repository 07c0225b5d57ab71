import { limits } from "../limits.ts";
import { Type } from "../typebox.ts";
import { ChannelField } from "./client-events.ts";
import { PresenceMemberSchema } from "./presence.ts";

/** What the admin API says about who is in a channel. */

export const PresenceQuery = Type.Object(
  {
    cursor: Type.Optional(Type.String({ maxLength: 512, description: "`next` of the page before." })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: limits.presencePageMax, default: limits.presencePageDefault })),
  },
  { additionalProperties: false },
);

export const PresencePage = Type.Object({
  channel: ChannelField,
  clients: Type.Integer({ description: "Sessions in the channel, on all nodes." }),
  users: Type.Integer({ description: "Distinct users among them; sessions without a user count for none." }),
  members: Type.Array(PresenceMemberSchema, { description: "Ordered by id." }),
  next: Type.Union([Type.String(), Type.Null()]),
});

export type PresencePage = Type.Static<typeof PresencePage>;

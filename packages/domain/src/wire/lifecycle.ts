import { Type } from "../typebox.ts";
import { ChannelField } from "./client-events.ts";

/** What happens to connections, channels and nodes, as `GET /v1/events` and webhooks tell it. */

export const lifecycleTypes = [
  "connected",
  "disconnected",
  "subscribed",
  "unsubscribed",
  "channel_occupied",
  "channel_vacated",
  "node_joined",
  "node_draining",
  "node_left",
] as const;

export const lifecycleIdPattern = "^[0-9]{1,15}-[0-9]{1,15}$";

export type LifecycleType = (typeof lifecycleTypes)[number];

/** The compiler cannot follow a list into a union of its items. */
const LifecycleTypeField = Type.Unsafe<LifecycleType>(Type.Union(lifecycleTypes.map((type) => Type.Literal(type))));

const fields = {
  type: LifecycleTypeField,
  at: Type.Integer({ description: "When it happened, in milliseconds since 1970, by its node's clock." }),
  node: Type.String({ description: "Where it happened; of a channel, who noticed it." }),
  connection: Type.Optional(Type.String({ description: "`socket.id` of the client." })),
  user: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  transport: Type.Optional(Type.String({ description: "That the connection began with: polling or websocket." })),
  recovered: Type.Optional(Type.Boolean({ description: "Whether a session went on that had been here or elsewhere." })),
  channel: Type.Optional(ChannelField),
  reason: Type.Optional(
    Type.String({
      description: "Of `disconnected` Socket.IO's name for why, or `node_lost`; of `node_left` `drained` or `lost`.",
    }),
  ),
};

export const LifecycleDraftSchema = Type.Object(fields);

export const exampleLifecycleEvent = {
  id: "1764000000000-0",
  type: "disconnected",
  at: 1_764_000_000_000,
  node: "gateway-1",
  connection: "kT0qGm2hJx8zVb4dAAAB",
  user: "ada",
  reason: "transport close",
};

export const LifecycleEventSchema = Type.Object(
  { id: Type.String({ pattern: lifecycleIdPattern, description: "Never given twice." }), ...fields },
  { examples: [exampleLifecycleEvent] },
);

export type LifecycleDraft = Type.Static<typeof LifecycleDraftSchema>;
export type LifecycleEvent = Type.Static<typeof LifecycleEventSchema>;

import { limits } from "../limits.ts";
import { Type } from "../typebox.ts";
import { ChannelField } from "./client-events.ts";

/*
 * What the admin API tells a node to do with its connections: `POST /commands` on the peer port, with the cluster's secret.
 * Both sides may be of different versions for the time of a deploy, so members are only ever added.
 */

/** One connection, or all that a user has on the node at that moment. */
const TargetFields = Type.Union([Type.Object({ id: Type.String() }), Type.Object({ user: Type.String() })]);

export const NodeCommand = Type.Union([
  Type.Object({
    act: Type.Literal("disconnect"),
    target: TargetFields,
    /** Whether the client is to come back. */
    reconnect: Type.Boolean(),
    code: Type.String(),
    reason: Type.String(),
  }),
  Type.Object({ act: Type.Literal("subscribe"), target: TargetFields, channel: ChannelField }),
  Type.Object({ act: Type.Literal("unsubscribe"), target: TargetFields, channel: ChannelField }),
  Type.Object({
    act: Type.Literal("emit"),
    target: TargetFields,
    event: Type.String(),
    /** The data's JSON as text: it goes out as it came in. */
    json: Type.String({ maxLength: limits.bodyBytesMax }),
  }),
]);

export const CommandAnswer = Type.Object({
  /** Connections of which it is true now. */
  applied: Type.Integer({ minimum: 0 }),
  refused: Type.Array(Type.Object({ id: Type.String(), code: Type.String(), message: Type.String() })),
});

export type NodeCommand = Type.Static<typeof NodeCommand>;
export type CommandTarget = Type.Static<typeof TargetFields>;
export type CommandAnswer = Type.Static<typeof CommandAnswer>;

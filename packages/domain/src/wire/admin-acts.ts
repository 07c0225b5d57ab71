import { limits } from "../limits.ts";
import { Type } from "../typebox.ts";
import { ChannelField } from "./client-events.ts";

/** Schemas of what is done to connections over the admin API. */

const strict = { additionalProperties: false } as const;

export const DisconnectQuery = Type.Object(
  {
    reconnect: Type.Optional(
      Type.Boolean({
        default: false,
        description: "`true`: its client comes back by itself, and its session goes on. `false`: it stays away.",
      }),
    ),
    code: Type.Optional(
      Type.String({
        pattern: "^[A-Z][A-Z0-9_]{0,63}$",
        default: "ENDED_BY_SERVER",
        description: "What the client reads as `code` in `fanfare:closing`.",
      }),
    ),
    reason: Type.Optional(Type.String({ maxLength: 200, description: "For people; the client reads it too." })),
  },
  strict,
);

export const ChannelActBody = Type.Object({ channel: ChannelField }, { ...strict, examples: [{ channel: "news" }] });

export const EmitBody = Type.Object(
  {
    event: Type.Optional(Type.String({ minLength: 1, maxLength: limits.eventLengthMax, default: "message" })),
    data: Type.Unknown({ description: "Any JSON. The client hears it as it is written here." }),
  },
  { ...strict, examples: [{ event: "invited", data: { room: "42" } }] },
);

export const RefusedAct = Type.Object({ id: Type.String(), code: Type.String(), message: Type.String() });

export const Acted = Type.Object(
  {
    applied: Type.Integer({ description: "Connections of which it is true now." }),
    nodes: Type.Array(Type.Object({ node: Type.String(), applied: Type.Integer() }), {
      description: "Where they are.",
    }),
    refused: Type.Optional(
      Type.Array(RefusedAct, { description: "Connections of a user that it could not be done to, and why." }),
    ),
    nodesMissing: Type.Optional(
      Type.Array(Type.String(), {
        description: "Nodes that have not confirmed in time: there it may or may not have been done.",
      }),
    ),
  },
  {
    examples: [
      { applied: 2, nodes: [{ node: "gateway-1", applied: 2 }] },
      { applied: 1, nodes: [{ node: "gateway-1", applied: 1 }], nodesMissing: ["gateway-2"] },
    ],
  },
);

export type DisconnectQuery = Type.Static<typeof DisconnectQuery>;
export type Acted = Type.Static<typeof Acted>;

import { limits } from "../limits.ts";
import { epochPattern } from "../position.ts";
import { Type } from "../typebox.ts";
import { ChannelField, OffsetField } from "./client-events.ts";

/** Schemas of receipts: `?receipt=true` where something is published, and `/v1/publications`. */

const strict = { additionalProperties: false } as const;

export const PublishQuery = Type.Object(
  {
    receipt: Type.Optional(
      Type.Boolean({
        default: false,
        description:
          "Counts how many sessions get each publication. `receipt` of the answer says where to read it, or false when more were asked for than FANFARE_RECEIPTS_PER_SECOND allows: it is published all the same.",
      }),
    ),
  },
  strict,
);

export const ReceiptQuery = Type.Object(
  {
    epoch: Type.Optional(
      Type.String({
        pattern: epochPattern,
        description: "Of the publication. Should its offset have been given out again since, the answer is EPOCH_CHANGED.",
      }),
    ),
  },
  strict,
);

const countFields = {
  sessions: Type.Integer({
    description: "Subscribed when a node delivered it. Each is in one of the next three, so these add up to it.",
  }),
  written: Type.Integer({ description: "The system has taken it for their connections: sent, not yet read." }),
  unsent: Type.Integer({ description: "It still waits for their connections." }),
  dropped: Type.Integer({
    description: "Did not get it on that connection: replaced by a newer one, or the connection ended before.",
  }),
  recovered: Type.Integer({
    description: "Got it later, from the log: came back and resumed, or subscribed with `since` or `rewind`. Counted beside.",
  }),
};

const exampleNodes = [
  { node: "gateway-1", sessions: 1_200, written: 1_199, unsent: 0, dropped: 1, recovered: 0 },
  { node: "gateway-2", sessions: 3, written: 2, unsent: 1, dropped: 0, recovered: 1 },
];

export const ReceiptAnswer = Type.Object(
  {
    channel: ChannelField,
    epoch: Type.String(),
    offset: OffsetField,
    at: Type.Integer({ description: "When it was published, in milliseconds since 1970." }),
    until: Type.Integer({ description: `When this ends: ${limits.receiptSeconds / 60} minutes later.` }),
    ...countFields,
    nodes: Type.Array(Type.Object({ node: Type.String(), ...countFields }), {
      description: "Where it was delivered, by name. Nodes without subscribers of the channel are not there.",
    }),
    nodesMissing: Type.Array(Type.String(), {
      description:
        "Nodes that have not yet said whether they delivered it, or ended before they could: their sessions are not counted.",
    }),
  },
  {
    examples: [
      {
        channel: "news",
        epoch: "hRk3vJ2xQ0aL",
        offset: 17,
        at: 1_764_000_000_000,
        until: 1_764_000_600_000,
        sessions: 1_203,
        written: 1_201,
        unsent: 1,
        dropped: 1,
        recovered: 1,
        nodes: exampleNodes,
        nodesMissing: [],
      },
    ],
  },
);

export type PublishQuery = Type.Static<typeof PublishQuery>;
export type ReceiptAnswer = Type.Static<typeof ReceiptAnswer>;

import { limits } from "../limits.ts";
import { Type } from "../typebox.ts";
import { exampleLifecycleEvent, LifecycleEventSchema, lifecycleIdPattern } from "./lifecycle.ts";

/** Schemas of what could not be delivered to the application. */

const IdField = Type.String({ pattern: lifecycleIdPattern });

export const DeadLetterSchema = Type.Object({
  id: Type.String({ description: "That of its first event." }),
  at: Type.Integer({ description: "When it was given up for the last time, in milliseconds since 1970." }),
  tries: Type.Integer(),
  error: Type.String({ description: "What the last try ended with." }),
  events: Type.Array(LifecycleEventSchema),
});

export const DeadLettersPage = Type.Object(
  { items: Type.Array(DeadLetterSchema), next: Type.Union([Type.String(), Type.Null()]) },
  {
    examples: [
      {
        items: [
          {
            id: "1764000000000-0",
            at: 1_764_000_130_000,
            tries: 8,
            error: "the application answered with status 500",
            events: [exampleLifecycleEvent],
          },
        ],
        next: null,
      },
    ],
  },
);

export const ReplayBody = Type.Object(
  {
    ids: Type.Optional(
      Type.Array(IdField, { minItems: 1, maxItems: limits.deadLettersMax, description: "Left out: all there are." }),
    ),
  },
  { additionalProperties: false, examples: [{ ids: ["1764000000000-0"] }, {}] },
);

export const Replaying = Type.Object(
  { replaying: Type.Integer({ description: "Dead letters that are tried again, each once." }) },
  { examples: [{ replaying: 1 }] },
);

import { Type } from "../typebox.ts";

/** `GET /v1/keys`. */
export const KeysPage = Type.Object(
  {
    items: Type.Array(
      Type.Object({
        name: Type.String(),
        scopes: Type.Array(Type.String(), { description: "None: everything." }),
        expiresAt: Type.Union([Type.Integer(), Type.Null()], { description: "Milliseconds since 1970; null: it does not end." }),
      }),
    ),
    next: Type.Null(),
  },
  { examples: [{ items: [{ name: "ci", scopes: ["publish:news:*", "read"], expiresAt: 1_801_440_000_000 }], next: null }] },
);
export type KeysPage = Type.Static<typeof KeysPage>;

import { Type } from "../typebox.ts";
import { UserField } from "./token.ts";

/** Schemas of `/v1/revocations`. */

const InstantField = Type.Integer({ minimum: 0, maximum: 8_640_000_000_000_000, description: "Milliseconds since 1970." });
const TokenIdField = Type.String({ minLength: 1, maxLength: 200, description: "The token's `jti`." });
const ReasonField = Type.String({ maxLength: 500, description: "For operators; clients do not see it." });

/** The longest time ahead for which tokens that are still to be issued can be revoked. */
export const revokedAheadMaxMs = 366 * 86_400_000;

const optional = {
  user: Type.Optional(UserField),
  tokenId: Type.Optional(TokenIdField),
  issuedBefore: Type.Optional(InstantField),
  reason: Type.Optional(ReasonField),
};
const strict = { additionalProperties: false } as const;

export const RevocationBody = Type.Object(optional, strict);

/** The same for the document: at least one condition is named. */
export const RevocationRequest = Type.Union(
  [
    Type.Object({ ...optional, user: UserField }, strict),
    Type.Object({ ...optional, tokenId: TokenIdField }, strict),
    Type.Object({ ...optional, issuedBefore: InstantField }, strict),
  ],
  { examples: [{ user: "ada", reason: "signed out everywhere" }, { tokenId: "b1946ac9" }] },
);

export const RevocationSchema = Type.Object({
  id: Type.String(),
  user: Type.Optional(UserField),
  tokenId: Type.Optional(TokenIdField),
  issuedBefore: Type.Optional(InstantField),
  reason: Type.Optional(ReasonField),
  at: Type.Integer({ description: "When it was made, in milliseconds since 1970." }),
  endsAt: Type.Integer({ description: "From then on no token is left that it could fit." }),
});

export const RevocationsPage = Type.Object({
  items: Type.Array(RevocationSchema),
  next: Type.Union([Type.String(), Type.Null()]),
});

export const RevocationRemoved = Type.Object({ id: Type.String(), removed: Type.Literal(true) });

export type RevocationBody = Type.Static<typeof RevocationBody>;

import { Type } from "../typebox.ts";

export const UserField = Type.String({
  minLength: 1,
  maxLength: 200,
  pattern: "^[A-Za-z0-9_.:@#=+/-]+$",
  description: "The user.",
});

/** Schema of what a client token (JWT) claims. Unknown claims are ignored, as RFC 7519 §4 asks. */
export const TokenClaims = Type.Object({
  sub: Type.Optional(UserField),
  /** Seconds since 1970. */
  exp: Type.Number(),
  /** When it was issued, in seconds since 1970: what a revocation of older tokens goes by. */
  iat: Type.Optional(Type.Number({ minimum: 0 })),
  /** Its own id, by which it can be revoked alone. */
  jti: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
  /** Channels, or `namespace:*`, that the bearer may subscribe to. */
  channels: Type.Optional(Type.Array(Type.String({ maxLength: 256 }), { maxItems: 1_000 })),
  /** Of these, plain names that are subscribed to at once. */
  join: Type.Optional(Type.Array(Type.String({ maxLength: 256 }), { maxItems: 128 })),
  /** Channels, or `namespace:*`, that the bearer may publish to. */
  publish: Type.Optional(Type.Array(Type.String({ maxLength: 256 }), { maxItems: 1_000 })),
  /** Shown to others in presence. */
  info: Type.Optional(Type.Unknown()),
});

export type TokenClaims = Type.Static<typeof TokenClaims>;

import { Type } from "../typebox.ts";
import { TokenClaims, UserField } from "./token.ts";

/** What the application is asked at FANFARE_AUTHORIZE_URL, and what it may answer. See docs/AUTHORIZE.md. */

/** Whether a client may connect, and who it is. */
export interface ConnectQuestion {
  readonly action: "connect";
  /** Whom the client's token names, where this server has checked one. */
  readonly user: string | null;
  /** What the client sent as `auth.token`, where this server has no key to check it with. */
  readonly token: string | null;
  readonly address: string;
  /** `cookie`, `authorization`, `origin` and `user-agent` of the request that opened the connection, as far as it had them. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Whether a client may do something for which the rules want a grant and its token has none. */
export interface ChannelQuestion {
  readonly action: "subscribe" | "publish";
  readonly channel: string;
  readonly user: string | null;
  /** The client's session. */
  readonly id: string;
}

export type AuthorizeQuestion = ConnectQuestion | ChannelQuestion;

const { channels, publish, join, info } = TokenClaims.properties;

/** All of the answer but `allow` and `ttlSeconds` is for `connect`. Members that nobody knows are ignored. */
export const AuthorizeAnswer = Type.Object({
  allow: Type.Boolean(),
  /** For how long the same question need not be asked again. */
  ttlSeconds: Type.Optional(Type.Number({ minimum: 0, maximum: 86_400 })),
  user: Type.Optional(UserField),
  info,
  channels,
  publish,
  join,
  /** When the connection has to be allowed anew, in milliseconds since 1970. */
  expiresAt: Type.Optional(Type.Integer({ minimum: 0 })),
});

export type AuthorizeAnswer = Type.Static<typeof AuthorizeAnswer>;

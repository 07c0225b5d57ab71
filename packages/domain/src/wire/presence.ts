import type { PresenceDelta, PresenceLeft, PresenceMember } from "../ports/presence.ts";
import { Compile, Type } from "../typebox.ts";

/*
 * What is said about members: between the broker and the nodes, and to clients.
 */

/** The topic on which a room's presence is announced. Only nodes whose subscribers are told about it listen there. */
export function topicOfPresence(cluster: string, room: string): string {
  return `${cluster}#presence#${room}#`;
}

const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

export const PresenceMemberSchema = Type.Object({
  id: Type.String({ description: "The session." }),
  user: Type.Union([Type.String(), Type.Null()]),
  info: Type.Unknown({ description: "What the session's token says under `info`; null when that is nothing." }),
  since: Type.Integer({ description: "When it came, in milliseconds since 1970." }),
});

const Reason = Type.Union([Type.Literal("unsubscribed"), Type.Literal("disconnected"), Type.Literal("node_lost")]);

const Delta = Compile(
  Type.Object({
    life: Count,
    previous: Count,
    version: Count,
    clients: Count,
    users: Count,
    joined: Type.Optional(Type.Array(PresenceMemberSchema)),
    left: Type.Optional(Type.Array(Type.Object({ ...PresenceMemberSchema.properties, reason: Reason }))),
  }),
);

/** Undefined for garbage: whoever may write to Redis may write anything. */
export function parsePresenceDelta(text: string): PresenceDelta | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Delta.Check(value)) return undefined;
  const { life, previous, version, clients, users, joined, left } = value;
  return { life, previous, version, clients, users, joined, left };
}

/** A delta as text. lua/presence-*.lua make the same; the contract holds the two equal. */
export function presenceDeltaText({ life, previous, version, clients, users, joined, left }: PresenceDelta): string {
  return JSON.stringify({ life, previous, version, clients, users, joined, left });
}

/** The body of `fanfare:presence`. */
export interface PresenceNotice {
  readonly channel: string;
  /** Those who came, or whose user or info is another now: put each under its id. */
  readonly joined: readonly PresenceMember[];
  /** Those who are gone: take each away by its id. */
  readonly left: readonly PresenceLeft[];
  readonly clients: number;
  readonly users: number;
  /** Compare with the one in the answer to `presence`: a notice that is not newer than the answer says nothing new. */
  readonly version: number;
  /** There are too many to be told one by one: only the counts are true. */
  readonly countsOnly?: true;
  /** What was told before no longer leads to who is here: ask `presence` again. */
  readonly reload?: true;
}

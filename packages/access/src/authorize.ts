import { type Channel, FanfareError } from "@fanfare/domain";
import type { EffectiveAudience } from "./effective-rules.ts";
import type { Identity } from "./identity.ts";
import { covers } from "./pattern.ts";
import type { Rules } from "./rules.ts";

export type Action = "subscribe" | "publish" | "presence" | "history";

const verbs: Readonly<Record<Action, string>> = {
  subscribe: "subscribe to",
  publish: "publish to",
  presence: "see who is in",
  history: "read the history of",
};

/**
 * Returns when the rules let this client do this with the channel; throws `FORBIDDEN`, `UNAUTHENTICATED` (a token might
 * help) or `NOT_SUBSCRIBED` otherwise. `subscribed`: whether this connection is subscribed to the channel now.
 */
export function authorize(rules: Rules, action: Action, channel: Channel, identity: Identity, subscribed: boolean): void {
  const audience: EffectiveAudience = rules.of(channel)[action];
  const what = `${verbs[action]} ${channel}`;
  switch (audience) {
    case "anyone":
      return;
    case "user":
      if (identity.user !== undefined) return;
      throw refusal(identity, `Only users may ${what}: connect with a token that names one.`);
    case "token":
      if (covers(action === "publish" ? identity.publish : identity.channels, channel)) return;
      throw refusal(identity, `Only a token that grants it lets you ${what}.`);
    case "owner":
      if (identity.user !== undefined && channel === `user:${identity.user}`) return;
      throw refusal(identity, `Only its own user may ${what}.`);
    case "subscriber":
      if (subscribed) return;
      throw new FanfareError("NOT_SUBSCRIBED", { detail: `Only its subscribers may ${what}: subscribe first.` });
    case "nobody":
      throw new FanfareError("FORBIDDEN", { detail: `No rule allows anybody to ${what}.` });
  }
}

/**
 * Returns when clients may publish this in the channel, whoever they are; throws `FORBIDDEN` for an event that the rules do
 * not name and `PAYLOAD_TOO_LARGE`. `bytes`: of the data as JSON text.
 */
export function authorizePublication(rules: Rules, channel: Channel, event: string, bytes: number): void {
  const { events, payloadBytesMax } = rules.of(channel);
  if (events !== undefined && !events.has(event)) {
    throw new FanfareError("FORBIDDEN", { detail: `No rule allows clients to publish this event to ${channel}.` });
  }
  if (bytes > payloadBytesMax) {
    throw new FanfareError("PAYLOAD_TOO_LARGE", { detail: `Clients may publish ${payloadBytesMax} bytes to ${channel}.` });
  }
}

/** Who showed no token may try again with one; who did show one is told that it does not reach so far. */
function refusal(identity: Identity, detail: string): FanfareError {
  const anonymous = identity.user === undefined && identity.expiresAt === undefined;
  return new FanfareError(anonymous ? "UNAUTHENTICATED" : "FORBIDDEN", { detail });
}

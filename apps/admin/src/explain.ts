import {
  type Action,
  anonymous,
  authorize,
  type Identity,
  RevocationList,
  type Rules,
  type TokenVerifier,
} from "@fanfare/access";
import { asFanfareError, type Channel, type Explanation, FanfareError, type Revocations } from "@fanfare/domain";

export interface ExplainParts {
  readonly rules: Rules;
  readonly revocations: Revocations;
  /** Absent: no token is accepted here, as on the nodes. */
  readonly tokens: TokenVerifier | undefined;
}

const actions: readonly Action[] = ["subscribe", "publish", "presence", "history"];

/**
 * What a client with this token, or with none, may do in a channel and why: by the same functions that nodes ask. The
 * application behind FANFARE_AUTHORIZE_URL is not asked. Rejects with `KEYS_UNAVAILABLE` or `BROKER_UNAVAILABLE`.
 */
export async function explain(parts: ExplainParts, channel: Channel, token: string | undefined): Promise<Explanation> {
  const { identity, refusal } = await admission(parts, token);
  const { user = null, channels, publish, expiresAt = null } = identity;
  const accepted = refusal === undefined;
  const why = refusal === undefined ? (token === undefined ? "No token was given." : "The token is good.") : saidOf(refusal);
  return {
    channel,
    token: { accepted, code: refusal?.code ?? null, why, user, channels: [...channels], publish: [...publish], expiresAt },
    answers: accepted ? actions.map((action) => answer(parts.rules, action, channel, identity)) : [],
  };
}

async function admission(
  { tokens, revocations }: ExplainParts,
  token: string | undefined,
): Promise<{ identity: Identity; refusal?: FanfareError }> {
  if (token === undefined) return { identity: anonymous };
  if (tokens === undefined) {
    const detail = "Tokens are accepted only where FANFARE_TOKEN_SECRET, _PUBLIC_KEY or FANFARE_JWKS_URL is set; here none is.";
    return { identity: anonymous, refusal: new FanfareError("TOKEN_INVALID", { detail }) };
  }
  try {
    const identity = await tokens.verify(token);
    const list = new RevocationList();
    list.replace((await revocations.changedSince(""))?.items ?? []);
    return list.find(identity) === undefined ? { identity } : { identity, refusal: new FanfareError("TOKEN_REVOKED") };
  } catch (cause) {
    const refusal = asFanfareError(cause);
    if (refusal.code === "TOKEN_INVALID" || refusal.code === "TOKEN_EXPIRED") return { identity: anonymous, refusal };
    throw refusal;
  }
}

function answer(rules: Rules, action: Action, channel: Channel, identity: Identity): Explanation["answers"][number] {
  const audience = rules.of(channel)[action];
  try {
    authorize(rules, action, channel, identity, false);
    return { action, allowed: true, audience, code: null, why: granted[audience] };
  } catch (refusal) {
    const error = asFanfareError(refusal);
    return { action, allowed: false, audience, code: error.code, why: saidOf(error) };
  }
}

const granted = {
  anyone: "The rules let anyone.",
  user: "The rules let users, and the token names one.",
  token: "The token grants it.",
  owner: "It is the user's own channel.",
  subscriber: "The rules let subscribers.",
  nobody: "",
} as const;

function saidOf({ message, errors = [] }: FanfareError): string {
  return [message, ...errors.map((field) => `${field.path} ${field.message}`)].join(" ");
}

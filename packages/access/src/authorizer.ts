import { createHash, createHmac } from "node:crypto";
import {
  AuthorizeAnswer,
  type AuthorizeQuestion,
  asFanfareError,
  type Channel,
  type ChannelQuestion,
  type Clock,
  type ConnectQuestion,
  FanfareError,
  validator,
} from "@fanfare/domain";
import { AnswerCache } from "./answer-cache.ts";
import { addressOf, boundedFetch } from "./bounded-fetch.ts";
import { Breaker } from "./breaker.ts";
import { grantsOf } from "./claims.ts";
import type { Identity } from "./identity.ts";

/** The application, which is asked who a client is and what it may. Nothing is allowed while it does not answer. */
export interface Authorizer {
  /**
   * Who the client is: what its token says, with what the answer names instead. Rejects with `FORBIDDEN`, `TOKEN_EXPIRED` or
   * `AUTHORIZER_UNAVAILABLE`.
   */
  connect(question: Omit<ConnectQuestion, "action">, byToken: Identity): Promise<Identity>;

  /** Whether it may. Rejects with `AUTHORIZER_UNAVAILABLE`. */
  may(question: ChannelQuestion): Promise<boolean>;

  /** Asks everything anew from now on: something that answers went by has changed. */
  forget(): void;
}

export interface AuthorizerOptions {
  readonly url: string;
  /** Signs the questions, so that the application knows who asks. */
  readonly secret: string;
  readonly clock: Pick<Clock, "now" | "monotonic">;
  /** Told of every question that was not answered from memory; `cause` where there was no answer. */
  readonly asked?: (action: AuthorizeQuestion["action"], outcome: AskOutcome, cause?: unknown) => void;
}

export type AskOutcome = "allowed" | "refused" | "failed" | "held";

const timeoutMs = 1_000;
const answerBytesMax = 65_536;
/** Questions that are on their way at a time. Beyond it the application is as good as not there. */
const askingMax = 512;
const secretBytesMin = 32;

const parseAnswer = validator(AuthorizeAnswer);

/** Throws `SETTINGS_INVALID`. */
export function createAuthorizer(options: AuthorizerOptions): Authorizer {
  const { secret, clock, asked = () => undefined } = options;
  if (Buffer.byteLength(secret) < secretBytesMin) {
    const message = `is too short: it must have at least ${secretBytesMin} bytes`;
    throw new FanfareError("SETTINGS_INVALID", { errors: [{ path: "FANFARE_AUTHORIZE_SECRET", message }] });
  }
  const url = addressOf("FANFARE_AUTHORIZE_URL", options.url);
  const breaker = new Breaker(clock);
  const answers = new AnswerCache<Answered>(clock);
  const asking = new Map<string, Promise<Answered>>();
  let generation = 0;

  /** From memory, from a question of the same kind that is on its way, or from the application. */
  function answerTo(question: AuthorizeQuestion, key: string): Promise<Answered> {
    const known = answers.get(key);
    if (known !== undefined) return Promise.resolve(known);
    const under = asking.get(key);
    if (under !== undefined) return under;
    if (asking.size >= askingMax || !breaker.pass()) {
      asked(question.action, "held");
      return Promise.reject(new FanfareError("AUTHORIZER_UNAVAILABLE"));
    }
    const answer = ask(question, key).finally(() => {
      if (asking.get(key) === answer) asking.delete(key);
    });
    asking.set(key, answer);
    return answer;
  }

  async function ask(question: AuthorizeQuestion, key: string): Promise<Answered> {
    const askedAt = clock.now();
    const begun = generation;
    try {
      const answered = { ...(await post(url, secret, question, askedAt)), askedAt };
      breaker.succeeded();
      asked(question.action, answered.allow ? "allowed" : "refused");
      // Whoever has told us to forget meanwhile does not want this one to be kept either.
      if (begun === generation) answers.keep(key, answered, (answered.ttlSeconds ?? 0) * 1_000);
      return answered;
    } catch (cause) {
      breaker.failed();
      asked(question.action, "failed", cause);
      throw new FanfareError("AUTHORIZER_UNAVAILABLE", { cause });
    }
  }

  return {
    async connect(about, byToken) {
      const { token, user, headers } = about;
      // What tells clients apart. Not the address: a client that changes its network is the same one.
      const key = `connect ${digest(JSON.stringify([token, user, headers.cookie, headers.authorization]))}`;
      const answered = await answerTo({ action: "connect", ...about }, key);
      if (!answered.allow) throw new FanfareError("FORBIDDEN", { detail: "The application does not let this client in." });
      const identity = merged(byToken, answered);
      if (identity.expiresAt !== undefined && identity.expiresAt <= clock.now()) throw new FanfareError("TOKEN_EXPIRED");
      return identity;
    },
    async may(question) {
      const { action, channel, user, id } = question;
      const who = user === null ? `session ${id}` : `user ${user}`;
      return (await answerTo(question, `${action} ${channel} ${who}`)).allow;
    },
    forget() {
      generation++;
      answers.clear();
      asking.clear();
    },
  };
}

interface Answered extends AuthorizeAnswer {
  readonly askedAt: number;
}

async function post(url: URL, secret: string, question: AuthorizeQuestion, now: number): Promise<AuthorizeAnswer> {
  const body = JSON.stringify(question);
  const timestamp = String(Math.floor(now / 1_000));
  const signature = createHmac("sha256", secret).update(`${timestamp}.${body}`).digest("hex");
  const headers = {
    "content-type": "application/json",
    "x-fanfare-timestamp": timestamp,
    "x-fanfare-signature": `v1=${signature}`,
  };
  const { status, text } = await boundedFetch(url, { method: "POST", headers, body, timeoutMs, answerBytesMax });
  if (status === 401 || status === 403) return { allow: false };
  if (status !== 200) throw new Error(`the application answered with status ${status}`);
  return understood(text);
}

/** An answer that is wrong anywhere allows nothing: half of what was meant could be more than what was meant. */
function understood(text: string): AuthorizeAnswer {
  try {
    const { user, ...answer } = parseAnswer(JSON.parse(text));
    grantsOf({ ...answer, ...(user === undefined ? {} : { sub: user }) });
    return { ...answer, ...(user === undefined ? {} : { user }) };
  } catch (thrown) {
    const { errors = [], message } = asFanfareError(thrown);
    const where = errors.map((error) => `${error.path} ${error.message}`).join("; ");
    throw new Error(`the application's answer cannot be used: ${where || message}`, { cause: thrown });
  }
}

function merged(byToken: Identity, { user, expiresAt, askedAt, ...answer }: Answered): Identity {
  const sub = user ?? byToken.user;
  const { channels, publish, join, info } = answer;
  const expiries = [byToken.expiresAt, expiresAt].filter((at) => at !== undefined);
  return {
    ...byToken,
    ...(sub === undefined ? {} : { user: sub }),
    ...(channels === undefined ? {} : { channels }),
    ...(publish === undefined ? {} : { publish }),
    // Checked when the answer came.
    ...(join === undefined ? {} : { join: join as Channel[] }),
    ...(info === undefined ? {} : { info }),
    ...(expiries.length === 0 ? {} : { expiresAt: Math.min(...expiries) }),
    // An answer is as good as a token that was issued when it was given.
    ...(byToken.expiresAt === undefined ? { issuedAt: askedAt } : {}),
  };
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("base64url");
}

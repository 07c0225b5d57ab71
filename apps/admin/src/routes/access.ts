import { signToken } from "@fanfare/access";
import {
  ChannelRules,
  channelName,
  ExplainBody,
  Explanation,
  FanfareError,
  OwnKey,
  parseJson,
  SignedToken,
  TokenBody,
  validator,
} from "@fanfare/domain";
import type { FastifyInstance } from "fastify";
import { requireScope } from "../auth.ts";
import { bodyText } from "../bodies.ts";
import { ChannelParams } from "../channel-params.ts";
import type { Context } from "../context.ts";
import { explain } from "../explain.ts";
import { answers, jsonBody } from "../openapi.ts";
import { refuseQuery } from "../query.ts";

const parseExplain = validator(ExplainBody);
const parseToken = validator(TokenBody);
const ttlSecondsDefault = 900;

/** What may be done, by whom and why. */
export function accessRoutes(app: FastifyInstance, context: Context): void {
  const { rules, tokenSecret, tokenTtlMaxMs, clock } = context;

  app.get(
    "/key",
    {
      schema: {
        operationId: "getOwnKey",
        tags: ["access"],
        summary: "What the key of this request is good for",
        description: "Any key may ask.",
        response: answers("The key, without its secret.", OwnKey, [400, 401]),
      },
    },
    async (request): Promise<OwnKey> => {
      refuseQuery(request);
      const { name = "", scopes = [], expiresAt = null } = request.adminKey ?? {};
      return { name, scopes: [...scopes], expiresAt };
    },
  );

  app.get<{ Params: ChannelParams }>(
    "/rules/:channel",
    {
      schema: {
        operationId: "getRules",
        tags: ["access"],
        summary: "What holds for a channel",
        description: "The rules file and the defaults put together. The channel need not have been used.",
        params: ChannelParams,
        response: answers("The rules.", ChannelRules, [400, 401, 403]),
      },
    },
    async (request): Promise<ChannelRules> => {
      requireScope(request, "read");
      refuseQuery(request);
      const channel = channelName(request.params.channel);
      const { events, ...rest } = rules.of(channel);
      return { channel, ...rest, events: events === undefined ? null : [...events] };
    },
  );

  app.post(
    "/rules/explain",
    {
      schema: {
        operationId: "explainRules",
        tags: ["access"],
        summary: "Why a client may do something in a channel, or may not",
        description:
          "By the functions that nodes ask. An application behind FANFARE_AUTHORIZE_URL is not asked. The token is neither kept nor logged.",
        body: jsonBody(ExplainBody),
        response: answers("The answers.", Explanation, [400, 401, 403, 413, 415, 503]),
      },
    },
    async (request): Promise<Explanation> => {
      requireScope(request, "read");
      refuseQuery(request);
      const { channel, token } = parseExplain(parseJson(bodyText(request)));
      return explain(context, channelName(channel), token);
    },
  );

  app.post(
    "/tokens",
    {
      schema: {
        operationId: "signToken",
        tags: ["access"],
        summary: "A client token that soon ends, to try something out",
        description:
          "Signed with FANFARE_TOKEN_SECRET; 404 where this process does not know it. Whoever has it is the user it names, so it takes the scope `keys`. Applications sign their own.",
        body: jsonBody(TokenBody),
        response: answers("The token.", SignedToken, [400, 401, 403, 404, 413, 415]),
      },
    },
    async (request): Promise<SignedToken> => {
      requireScope(request, "keys");
      refuseQuery(request);
      const { ttlSeconds = ttlSecondsDefault, ...claims } = parseToken(parseJson(bodyText(request)));
      if (tokenSecret === undefined) {
        throw new FanfareError("NOT_FOUND", { detail: "FANFARE_TOKEN_SECRET is not set here, so no token can be signed." });
      }
      const lifeSeconds = Math.min(ttlSeconds, Math.floor(tokenTtlMaxMs / 1_000));
      const token = await signToken({ ...claims, secret: tokenSecret, ttlSeconds: lifeSeconds, clock });
      return { token, expiresAt: (Math.floor(clock.now() / 1_000) + lifeSeconds) * 1_000 };
    },
  );
}

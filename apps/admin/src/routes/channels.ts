import { ChannelInfo, ChannelsPage, ChannelsQuery, channelName, FanfareError, limits } from "@fanfare/domain";
import type { FastifyInstance } from "fastify";
import { requireScope } from "../auth.ts";
import { ChannelParams } from "../channel-params.ts";
import type { Context } from "../context.ts";
import { fromCursor, toCursor } from "../cursor.ts";
import { nodesMissing } from "../nodes-missing.ts";
import { answers } from "../openapi.ts";
import { queryReader, refuseQuery } from "../query.ts";

const readQuery = queryReader(ChannelsQuery);

export function channelRoutes(app: FastifyInstance, context: Context): void {
  const { broker, registry, rules } = context;

  app.get(
    "/channels",
    {
      schema: {
        operationId: "listChannels",
        tags: ["channels"],
        summary: "The channels that somebody is subscribed to",
        description:
          "By name, so a channel that has subscribers all the time comes exactly once. Channels without subscribers are not listed, whatever is in their logs.",
        querystring: ChannelsQuery,
        response: answers("A page of channels.", ChannelsPage, [400, 401, 403, 503]),
      },
    },
    async (request): Promise<ChannelsPage> => {
      requireScope(request, "read");
      const { prefix, cursor, limit = limits.pageLimitDefault } = readQuery(request);
      const after = fromCursor("channels", cursor);
      const [{ items, next }, missing] = await Promise.all([
        registry.channels({ prefix }, { after, limit }),
        nodesMissing(context),
      ]);
      return { items: [...items], next: toCursor("channels", next), nodesMissing: missing };
    },
  );

  app.get<{ Params: ChannelParams }>(
    "/channels/:channel",
    {
      schema: {
        operationId: "getChannel",
        tags: ["channels"],
        summary: "One channel as it stands",
        params: ChannelParams,
        response: answers("The channel.", ChannelInfo, [400, 401, 403, 404, 503]),
      },
    },
    async (request) => {
      requireScope(request, "read");
      refuseQuery(request);
      const channel = channelName(request.params.channel);
      const [state, subscribers] = await Promise.all([
        broker.describe(channel, rules.of(channel).retain),
        registry.subscribers(channel),
      ]);
      if (state === undefined) throw new FanfareError("NOT_FOUND", { detail: "This channel has never been used." });
      const { top, retained } = state;
      return { channel, subscribers, epoch: top.epoch, offset: top.offset, retained };
    },
  );
}

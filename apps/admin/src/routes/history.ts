import {
  channelName,
  FanfareError,
  HistoryPage,
  type LogRange,
  limits,
  livePage,
  type Position,
  Purged,
  parsePosition,
  Type,
} from "@fanfare/domain";
import type { FastifyInstance } from "fastify";
import { requireScope } from "../auth.ts";
import { ChannelParams } from "../channel-params.ts";
import type { Context } from "../context.ts";
import { historyJson } from "../history-json.ts";
import { answers } from "../openapi.ts";
import { queryReader, refuseQuery } from "../query.ts";

const HistoryQuery = Type.Object(
  {
    since: Type.Optional(
      Type.String({ description: "A position, `epoch:offset`. Forward: what came after it; reverse: before." }),
    ),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: limits.historyLimitMax, default: limits.historyLimitDefault })),
    reverse: Type.Optional(Type.Boolean({ default: false, description: "Newest first." })),
  },
  { additionalProperties: false },
);

const readQuery = queryReader(HistoryQuery);

export function historyRoutes(app: FastifyInstance, { broker, rules }: Context): void {
  app.get<{ Params: ChannelParams }>(
    "/channels/:channel/history",
    {
      schema: {
        operationId: "getHistory",
        tags: ["channels"],
        summary: "What was published",
        description:
          "Oldest first unless `reverse`. A first offset that is higher than `since` by more than one says that those between are no longer kept, or have expired by their `ttl`; a log that has started over since answers `EPOCH_CHANGED`. A channel never used reads as empty.",
        params: ChannelParams,
        querystring: HistoryQuery,
        response: answers("A page of the log.", HistoryPage, [400, 401, 403, 409, 503]),
      },
    },
    async (request, reply) => {
      requireScope(request, "read");
      const channel = channelName(request.params.channel);
      const { since, limit = limits.historyLimitDefault, reverse = false } = readQuery(request);
      const position = since === undefined ? undefined : parsePosition(since);
      const page = await livePage(broker, channel, rangeOf(position, limit, reverse), rules.of(channel).retain);
      if (position !== undefined && position.epoch !== page.top.epoch) throw new FanfareError("EPOCH_CHANGED");
      reply.type("application/json; charset=utf-8");
      return historyJson(channel, page, reverse);
    },
  );

  app.delete<{ Params: ChannelParams }>(
    "/channels/:channel/history",
    {
      schema: {
        operationId: "deleteHistory",
        tags: ["channels"],
        summary: "Empty the log",
        description: "Epoch and offset go on. Needs the scope to publish in the channel.",
        params: ChannelParams,
        response: answers("Emptied.", Purged, [400, 401, 403, 503]),
      },
    },
    async (request) => {
      const channel = channelName(request.params.channel);
      requireScope(request, "publish", channel);
      refuseQuery(request);
      return { deleted: await broker.purge(channel) };
    },
  );
}

function rangeOf(since: Position | undefined, limit: number, reverse: boolean): LogRange {
  if (!reverse) return { from: "after", offset: since?.offset ?? 0, limit };
  return since === undefined ? { from: "end", limit } : { from: "before", offset: since.offset, limit };
}

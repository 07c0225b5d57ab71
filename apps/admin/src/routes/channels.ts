import { ChannelInfo, channelName, FanfareError } from "@fanfare/domain";
import type { FastifyInstance } from "fastify";
import { requireScope } from "../auth.ts";
import { ChannelParams } from "../channel-params.ts";
import type { Context } from "../context.ts";
import { answers } from "../openapi.ts";
import { refuseQuery } from "../query.ts";

export function channelRoutes(app: FastifyInstance, { broker, directory, rules }: Context): void {
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
        directory.subscribers(channel),
      ]);
      if (state === undefined) throw new FanfareError("NOT_FOUND", { detail: "This channel has never been used." });
      const { top, retained } = state;
      return { channel, subscribers, epoch: top.epoch, offset: top.offset, retained };
    },
  );
}

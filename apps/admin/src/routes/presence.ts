import { channelName, FanfareError, limits, PresencePage, PresenceQuery } from "@fanfare/domain";
import type { FastifyInstance } from "fastify";
import { requireScope } from "../auth.ts";
import { ChannelParams } from "../channel-params.ts";
import type { Context } from "../context.ts";
import { fromCursor, toCursor } from "../cursor.ts";
import { answers } from "../openapi.ts";
import { queryReader } from "../query.ts";

const readQuery = queryReader(PresenceQuery);

export function presenceRoutes(app: FastifyInstance, { presence, rules }: Context): void {
  app.get<{ Params: ChannelParams }>(
    "/channels/:channel/presence",
    {
      schema: {
        operationId: "getPresence",
        tags: ["channels"],
        summary: "Who is in a channel, on all nodes",
        description:
          "At most half a second behind what clients have done. A client whose connection is lost stays for FANFARE_PRESENCE_GRACE_MS, unless it said goodbye. By id, so a member that stays comes exactly once, whatever comes and goes between two pages. A channel whose rules have neither `presence` nor `joinLeave` answers `PRESENCE_OFF`.",
        params: ChannelParams,
        querystring: PresenceQuery,
        response: answers("A page of members.", PresencePage, [400, 401, 403, 422, 503]),
      },
    },
    async (request): Promise<PresencePage> => {
      requireScope(request, "read");
      const channel = channelName(request.params.channel);
      const { cursor, limit = limits.presencePageDefault } = readQuery(request);
      const after = fromCursor("members", cursor);
      const { presence: audience, joinLeave } = rules.of(channel);
      if (audience === "nobody" && !joinLeave) throw new FanfareError("PRESENCE_OFF");
      const { clients, users, members: few } = await presence.read(channel, limits.presencePageDefault);
      // Large channels are read in small steps, so that the broker is never busy with it for long.
      const all = few?.toSorted((a, b) => (a.id < b.id ? -1 : 1)) ?? (await presence.members(channel));
      const rest = after === undefined ? all : all.filter(({ id }) => id > after);
      const members = rest.slice(0, limit);
      const last = members.at(-1);
      const next = last !== undefined && rest.length > members.length ? toCursor("members", last.id) : null;
      return { channel, clients, users, members, next };
    },
  );
}

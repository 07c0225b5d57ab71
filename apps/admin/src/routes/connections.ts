import {
  type Channel,
  ConnectionAnswer,
  type ConnectionQuery,
  ConnectionsPage,
  ConnectionsQuery,
  channelName,
  FanfareError,
  limits,
  PageQuery,
  Type,
} from "@fanfare/domain";
import type { FastifyInstance } from "fastify";
import { requireScope } from "../auth.ts";
import { ChannelParams } from "../channel-params.ts";
import type { Context } from "../context.ts";
import { fromCursor, toCursor } from "../cursor.ts";
import { nodesMissing } from "../nodes-missing.ts";
import { answers } from "../openapi.ts";
import { queryReader, refuseQuery } from "../query.ts";

const IdParams = Type.Object({ id: Type.String({ description: "`socket.id` of the client." }) });
const UserParams = Type.Object({ user: Type.String({ description: "Percent-encoded." }) });

const readConnectionsQuery = queryReader(ConnectionsQuery);
const readPageQuery = queryReader(PageQuery);

const listed =
  "By id, so a connection that is there all the time comes exactly once, whatever comes and goes between two pages. At most half a second old.";

export function connectionRoutes(app: FastifyInstance, context: Context): void {
  const { registry } = context;

  app.get(
    "/connections",
    {
      schema: {
        operationId: "listConnections",
        tags: ["connections"],
        summary: "Who is connected, where, as whom and to what",
        description: `${listed} Several filters must all match.`,
        querystring: ConnectionsQuery,
        response: answers("A page of connections.", ConnectionsPage, [400, 401, 403, 503]),
      },
    },
    async (request) => {
      requireScope(request, "read");
      const { user, channel, node, sort, cursor, limit } = readConnectionsQuery(request);
      return page({ user, channel: channel as Channel | undefined, node, order: sort }, cursor, limit);
    },
  );

  app.get<{ Params: { id: string } }>(
    "/connections/:id",
    {
      schema: {
        operationId: "getConnection",
        tags: ["connections"],
        summary: "One connection",
        params: IdParams,
        response: answers("The connection.", ConnectionAnswer, [400, 401, 403, 404, 503]),
      },
    },
    async (request) => {
      requireScope(request, "read");
      refuseQuery(request);
      const connection = await registry.connection(request.params.id);
      if (connection !== undefined) return connection;
      const missing = await nodesMissing(context);
      const but = missing.length === 0 ? "" : ` Not known at the moment is what these nodes have: ${missing.join(", ")}.`;
      throw new FanfareError("NOT_FOUND", { detail: `No connection has this id.${but}` });
    },
  );

  app.get<{ Params: ChannelParams }>(
    "/channels/:channel/connections",
    {
      schema: {
        operationId: "listChannelConnections",
        tags: ["channels"],
        summary: "Who is subscribed to a channel",
        description: listed,
        params: ChannelParams,
        querystring: PageQuery,
        response: answers("A page of the channel's subscribers.", ConnectionsPage, [400, 401, 403, 503]),
      },
    },
    async (request) => {
      requireScope(request, "read");
      const channel = channelName(request.params.channel);
      const { cursor, limit } = readPageQuery(request);
      return page({ channel }, cursor, limit);
    },
  );

  app.get<{ Params: { user: string } }>(
    "/users/:user/connections",
    {
      schema: {
        operationId: "listUserConnections",
        tags: ["users"],
        summary: "Where a user is connected",
        description: listed,
        params: UserParams,
        querystring: PageQuery,
        response: answers("A page of the user's connections.", ConnectionsPage, [400, 401, 403, 503]),
      },
    },
    async (request) => {
      requireScope(request, "read");
      const { cursor, limit } = readPageQuery(request);
      return page({ user: request.params.user }, cursor, limit);
    },
  );

  async function page(query: ConnectionQuery, cursor: string | undefined, limit: number = limits.pageLimitDefault) {
    const kind = query.order === "unsent" ? "unsent" : "connections";
    const after = fromCursor(kind, cursor);
    const [{ items, next }, missing] = await Promise.all([registry.connections(query, { after, limit }), nodesMissing(context)]);
    return { items, next: toCursor(kind, next), nodesMissing: missing };
  }
}

import { Draining, FanfareError, NodesPage, Type } from "@fanfare/domain";
import type { FastifyInstance } from "fastify";
import { requireScope } from "../auth.ts";
import type { Context } from "../context.ts";
import { accepted, answers } from "../openapi.ts";
import { refuseQuery } from "../query.ts";

const NodeParams = Type.Object({ node: Type.String({ description: "As `GET /v1/nodes` names it." }) });

export function nodeRoutes(app: FastifyInstance, { directory, peers }: Context): void {
  app.get(
    "/nodes",
    {
      schema: {
        operationId: "listNodes",
        tags: ["nodes"],
        summary: "The Socket.IO nodes that are alive",
        response: answers("All of them.", NodesPage, [400, 401, 403, 503]),
      },
    },
    async (request) => {
      requireScope(request, "read");
      refuseQuery(request);
      return { items: await directory.nodes(), next: null };
    },
  );

  app.post<{ Params: { node: string } }>(
    "/nodes/:node/drain",
    {
      schema: {
        operationId: "drainNode",
        tags: ["nodes"],
        summary: "Move a node's clients to the others, then end it",
        params: NodeParams,
        response: accepted("It has begun, as if the node's process had been told to end.", Draining, [400, 401, 403, 404, 503]),
      },
    },
    async (request, reply) => {
      requireScope(request, "nodes");
      refuseQuery(request);
      const { node } = request.params;
      const record = (await directory.nodes()).find((one) => one.node === node);
      if (record === undefined) throw new FanfareError("NOT_FOUND", { detail: "No node of this name is alive." });
      await peers.drain(record);
      return reply.code(202).send({ node, state: "draining" });
    },
  );
}

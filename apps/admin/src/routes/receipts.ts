import { channelName, clientEvents, FanfareError, partitionOf, ReceiptAnswer, ReceiptQuery, Type } from "@fanfare/domain";
import type { FastifyInstance } from "fastify";
import { requireScope } from "../auth.ts";
import type { Context } from "../context.ts";
import { answers } from "../openapi.ts";
import { queryReader } from "../query.ts";
import { receiptAnswer } from "../receipt-answer.ts";

const PublicationParams = Type.Object({
  channel: clientEvents.ChannelField,
  offset: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER, description: "As the answer to the publish says." }),
});

const readQuery = queryReader(ReceiptQuery);

export function receiptRoute(app: FastifyInstance, { broker, directory, receipts }: Context): void {
  app.get<{ Params: { channel: string; offset: string } }>(
    "/publications/:channel/:offset",
    {
      schema: {
        operationId: "getReceipt",
        tags: ["publish"],
        summary: "Who got a publication",
        description:
          "The receipt of what was published with `?receipt=true`: how many sessions it was written to, on which nodes. Nodes report within a second, those without subscribers of the channel within eight; it changes until it ends, ten minutes after the publication. `RECEIPT_UNKNOWN` when there is none, or no longer.",
        params: PublicationParams,
        querystring: ReceiptQuery,
        response: answers("As far as the nodes have said.", ReceiptAnswer, [400, 401, 403, 404, 409, 503]),
      },
    },
    async (request): Promise<ReceiptAnswer> => {
      requireScope(request, "read");
      const channel = channelName(request.params.channel);
      const { epoch } = readQuery(request);
      const offset = offsetOf(request.params.offset);
      // Before the receipt: who is past the publication by now is in what is read next.
      const [alive, reported] = await Promise.all([directory.nodes(), receipts.reportedUpTo()]);
      const receipt = await receipts.find(channel, offset);
      if (receipt === undefined) throw new FanfareError("RECEIPT_UNKNOWN");
      if (epoch !== undefined && epoch !== receipt.epoch) throw new FanfareError("EPOCH_CHANGED");
      return receiptAnswer({ receipt, partition: partitionOf(channel, broker.partitions), alive, reported });
    },
  );
}

/** Throws `POSITION_INVALID`. */
function offsetOf(text: string): number {
  const offset = /^[1-9][0-9]{0,15}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(offset)) {
    throw new FanfareError("POSITION_INVALID", { detail: "An offset is a whole number from 1 on." });
  }
  return offset;
}

import { authorize } from "@fanfare/access";
import {
  channelName,
  clientEvents,
  FanfareError,
  type LogRange,
  limits,
  livePage,
  type Publication,
  timeOfSeq,
  validator,
} from "@fanfare/domain";
import { type ClientSocket, identityOf } from "../session.ts";
import type { Handler, HandlerParts } from "./handler.ts";

const parse = validator(clientEvents.HistoryRequest);

/** An answer counts as one request more for each so many bytes that are read for it: 200 requests a second are 6 MB of log. */
const bytesPerRequest = 32_768;

/**
 * `{ channel, since?, limit?, reverse? }` → `{ channel, publications, epoch, offset, more }`
 *
 * Forward from behind `since` (or from the log's beginning), or with `reverse` backward from before it (or from its end).
 * A `since` of an epoch that is over is refused with `EPOCH_CHANGED`: what it asks for is gone.
 *
 * One at a time for each connection, and paid for by what is read: a request of a hundred bytes is answered with up to a megabyte,
 * and behind what has expired more than that is read, at the broker that all nodes share.
 */
export const history: Handler = (socket, parts, request) => {
  const answer = (socket.data.reading ?? Promise.resolve()).then(() => read(socket, parts, request));
  socket.data.reading = answer.catch(() => undefined);
  return answer;
};

async function read(
  socket: ClientSocket,
  { broker, fanout, rules, limits: allowed }: HandlerParts,
  request: unknown,
): Promise<Readonly<Record<string, unknown>>> {
  allowed?.requests.refuseDebtor(socket.conn.transport);
  const { channel: name, since, limit = limits.historyLimitDefault, reverse = false } = parse(request);
  const channel = channelName(name);
  authorize(rules, "history", channel, identityOf(socket), fanout.isSubscribed(socket, channel));
  const range: LogRange = reverse
    ? since === undefined
      ? { from: "end", limit }
      : { from: "before", offset: since.offset, limit }
    : { from: "after", offset: since?.offset ?? 0, limit };
  const { top, publications, more, readBytes } = await livePage(broker, channel, range, rules.of(channel).retain);
  if (since !== undefined && since.epoch !== top.epoch) throw new FanfareError("EPOCH_CHANGED");
  allowed?.requests.charge(socket.conn.transport, Math.floor(readBytes / bytesPerRequest));
  const listed = reverse ? [...publications].reverse() : publications;
  return { channel, publications: listed.map(wireForm), epoch: top.epoch, offset: top.offset, more };
}

function wireForm({ channel, event, payload, offset, epoch, id, seq, traceparent }: Publication) {
  const value: unknown = JSON.parse(payload.json);
  const data = payload.binary ? Buffer.from((value as { base64: string }).base64, "base64") : value;
  const named = id === undefined ? {} : { id };
  const traced = traceparent === undefined ? {} : { traceparent };
  return { channel, event, data, offset, epoch, ...named, at: timeOfSeq(seq), ...traced };
}

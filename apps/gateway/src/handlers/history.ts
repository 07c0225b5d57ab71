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
import { identityOf } from "../session.ts";
import type { Handler } from "./handler.ts";

const parse = validator(clientEvents.HistoryRequest);

/**
 * `{ channel, since?, limit?, reverse? }` → `{ channel, publications, epoch, offset, more }`
 *
 * Forward from behind `since` (or from the log's beginning), or with `reverse` backward from before it (or from its end).
 * A `since` of an epoch that is over is refused with `EPOCH_CHANGED`: what it asks for is gone.
 */
export const history: Handler = async ({ socket, broker, fanout, rules }, request) => {
  const { channel: name, since, limit = limits.historyLimitDefault, reverse = false } = parse(request);
  const channel = channelName(name);
  authorize(rules, "history", channel, identityOf(socket), fanout.isSubscribed(socket, channel));
  const range: LogRange = reverse
    ? since === undefined
      ? { from: "end", limit }
      : { from: "before", offset: since.offset, limit }
    : { from: "after", offset: since?.offset ?? 0, limit };
  const { top, publications, more } = await livePage(broker, channel, range, rules.of(channel).retain);
  if (since !== undefined && since.epoch !== top.epoch) throw new FanfareError("EPOCH_CHANGED");
  const listed = reverse ? [...publications].reverse() : publications;
  return { channel, publications: listed.map(wireForm), epoch: top.epoch, offset: top.offset, more };
};

function wireForm({ channel, event, payload, offset, epoch, id, seq, traceparent }: Publication) {
  const value: unknown = JSON.parse(payload.json);
  const data = payload.binary ? Buffer.from((value as { base64: string }).base64, "base64") : value;
  const named = id === undefined ? {} : { id };
  const traced = traceparent === undefined ? {} : { traceparent };
  return { channel, event, data, offset, epoch, ...named, at: timeOfSeq(seq), ...traced };
}

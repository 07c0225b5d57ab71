import { type Channel, type LivePage, type Publication, timeOfSeq } from "@fanfare/domain";

/**
 * A page of history as JSON text, put together around the stored text of each payload: printing a parsed payload would
 * round its 64-bit numbers.
 */
export function historyJson(channel: Channel, { top, publications, more }: LivePage, reverse: boolean): string {
  const { epoch, offset } = top;
  const listed = reverse ? publications.toReversed() : publications;
  const head = JSON.stringify({ channel, epoch, offset }).slice(0, -1);
  return `${head},"publications":[${listed.map(publicationJson).join(",")}],"more":${more}}`;
}

function publicationJson({ channel, event, payload, offset, epoch, id, seq, traceparent }: Publication): string {
  const head = JSON.stringify({ channel, event }).slice(0, -1);
  const tail = JSON.stringify({ offset, epoch, id, at: timeOfSeq(seq), traceparent }).slice(1);
  return `${head},"data":${payload.json},${tail}`;
}

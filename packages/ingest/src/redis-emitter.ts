import { type Draft, FanfareError } from "@fanfare/domain";
import { draftOf } from "./draft.ts";
import { readEmitterMessage } from "./emitter-wire.ts";
import type { RedisPublishKind } from "./redis-publish.ts";

/**
 * Stock Socket.IO emitters, stored: what they send to rooms becomes a publication in the channels of those names, with
 * the first argument as its data. `key` is their option of that name.
 */
export function redisEmitter(key: string): RedisPublishKind {
  return {
    name: "redis-emitter",
    pattern: `${key}#/#*`,
    read(_, message, id) {
      const { data, rooms } = readEmitterMessage(message);
      if (rooms.length === 0)
        throw new FanfareError("REQUEST_INVALID", { detail: "Without a room there is no channel to store it in." });
      const [event, first] = data;
      const json = jsonOf(first);
      // Ids are per channel, so all rooms can share one.
      return [...new Set(rooms)].map((channel): Draft => draftOf({ channel, event, id, json }));
    },
  };
}

/** What a client would get, as JSON; a whole binary in its own form, one inside something else is refused. */
function jsonOf(value: unknown): string {
  if (value instanceof Uint8Array) return JSON.stringify({ base64: Buffer.from(value).toString("base64") });
  return (
    JSON.stringify(value, (_, inner: unknown) => {
      if (inner instanceof Uint8Array || isBufferJson(inner)) throw new FanfareError("DATA_INVALID");
      return inner;
    }) ?? "null"
  );
}

/** A Buffer has turned itself into this before a replacer sees it. */
function isBufferJson(value: unknown): boolean {
  return typeof value === "object" && value !== null && "type" in value && value.type === "Buffer" && "data" in value;
}

import { parseJson } from "@fanfare/domain";
import { draftOf, draftOfEnvelope, isEnvelope, textOf } from "./draft.ts";
import type { RedisPublishKind } from "./redis-publish.ts";

/**
 * PUBLISH on channels with a prefix: `pattern` is the prefix and `*`. The rest of the Redis channel's name is the channel.
 * A message with a member `data` is an envelope (`{"event":…,"data":…}`, as Laravel broadcasts, perhaps with `channel` and
 * `id`); any other JSON is the data itself.
 */
export function redisPattern(pattern: string): RedisPublishKind {
  const prefixLength = pattern.length - 1;
  return {
    name: "redis-pattern",
    pattern,
    read(topic, message, id) {
      const channel = topic.slice(prefixLength);
      const json = textOf(message);
      return [isEnvelope(parseJson(json)) ? draftOfEnvelope(json, { channel, id }) : draftOf({ channel, id, json })];
    },
  };
}
